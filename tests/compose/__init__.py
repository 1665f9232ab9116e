"""The whole of `compose.yaml`, really run: by podman, on base images made from Debian's packages.

Only where asked for, by `make test-compose`.
"""
