# An image of ARI on Debian's Python. It runs as any user, also one without a name, and writes below /data only.
# See docs/guides/containers.md.
FROM debian:trixie-slim AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
    && python3 -m venv --without-pip /opt/ari \
    && /opt/build/bin/pip --python /opt/ari/bin/python install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY deploy/systemd deploy/systemd
COPY deploy/proxy deploy/proxy
COPY deploy/prometheus deploy/prometheus
COPY deploy/grafana deploy/grafana
COPY frontend frontend
COPY src src
RUN /opt/build/bin/pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /dist . \
    && /opt/build/bin/pip --python /opt/ari/bin/python install --no-index --no-deps /dist/*.whl

FROM debian:trixie-slim
LABEL org.opencontainers.image.title="ARI" \
      org.opencontainers.image.description="A self-hosted server for API keys" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:trixie-slim"
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0770 -o 10001 -g 0 /data
COPY --from=build /opt/ari /opt/ari
# Of a volume, only /data/ari is ARI's, so the volume may belong to another user if the group may write. SQLite needs
# temporary files, and everything else may be read-only.
ENV PATH=/opt/ari/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    SQLITE_TMPDIR=/data \
    ARI_DATA_DIR=/data/ari \
    ARI_HOST=0.0.0.0
VOLUME ["/data"]
USER 10001:0
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('ARI_PORT', 3000)}/api/health\", timeout=4)"]
ENTRYPOINT ["/opt/ari/bin/ari"]
CMD ["serve"]
