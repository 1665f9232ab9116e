# One image for the three services; the command names which.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

FROM ${PYTHON_IMAGE} AS built
WORKDIR /app
COPY requirements.txt ./
RUN python3 -m venv /app/env && /app/env/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM ${PYTHON_IMAGE}
WORKDIR /app
COPY --from=built /app/env /app/env
COPY shared ./shared
COPY services ./services
COPY houses ./houses
USER 65534:65534
ENTRYPOINT ["/app/env/bin/python", "-m"]
