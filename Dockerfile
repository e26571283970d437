# payorch in a container: `docker build -t payorch .`
FROM python:3.11-slim AS build

# Everything but payorch itself comes by hash; the lock holds hatchling too, which builds it.
RUN python -m venv /opt/payorch
ENV PATH=/opt/payorch/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements-runtime.lock /src/
RUN pip install --require-hashes --no-deps -r /src/requirements-runtime.lock
COPY pyproject.toml README.md /src/
COPY payorch /src/payorch
COPY templates /src/templates
COPY migrations /src/migrations
RUN pip install --no-deps --no-build-isolation /src && pip check


FROM python:3.11-slim

# No login shell, no password, and a home only for what SQLite and the practice provider write.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/payorch --shell /usr/sbin/nologin payorch
COPY --from=build /opt/payorch /opt/payorch
ENV PATH=/opt/payorch/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER payorch
WORKDIR /var/lib/payorch
EXPOSE 4321
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:4321/readyz', timeout=4)"]
CMD ["payorch", "serve", "--host", "0.0.0.0"]
