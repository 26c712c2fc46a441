# recut with everything it needs: one image for Prefect server, services, workers and relay (compose.yaml).
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# The requirements are complete and hashed, so nothing is resolved here, and they are a layer of their own.
COPY requirements.txt ./
RUN pip install --no-deps --require-hashes -r requirements.txt && pip install --no-deps prefect-redis==0.3.0

COPY pyproject.toml README.md LICENSE prefect.yaml ./
COPY blocks blocks
COPY flows flows
COPY deployments deployments
RUN pip install --no-deps --no-build-isolation --editable . && useradd --create-home recut
USER recut

CMD ["recut", "--help"]
