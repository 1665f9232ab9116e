# One image for every part that is ours; the command names which. Built from the hashed lock of what runs.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

FROM ${PYTHON_IMAGE} AS built
WORKDIR /app
COPY requirements-run.txt ./
# Two environments, so that pip stays behind. A package index other than pip's own: --secret id=pip,src=/etc/pip.conf
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m venv /build && python3 -m venv --without-pip /app/env && \
    /build/bin/pip --python /app/env/bin/python install --quiet --disable-pip-version-check --no-cache-dir \
        --no-compile --require-hashes -r requirements-run.txt
COPY shared ./shared
COPY services ./services
COPY houses ./houses
# What is not compiled now would be at each start: nothing can be written there.
RUN /app/env/bin/python -m compileall -q -j 0 /app && install -d -o 65534 -g 65534 -m 0700 /app/data

FROM ${PYTHON_IMAGE}
WORKDIR /app
COPY --from=built /app /app
# The account `nobody`, which owns nothing but the data folder.
USER 65534:65534
ENTRYPOINT ["/app/env/bin/python", "-m"]
