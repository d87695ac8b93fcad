# Second Key as an image: no shell script, no package manager, no secret; runs as a number that owns
# nothing but /data. Say `docker build .`; docs/setup.md has the rest.
#
# The tag names one release of Python on one release of Debian, but a tag can be moved. To pin what it
# points to today:
#   docker buildx imagetools inspect python:3.11.14-slim-bookworm --format '{{.Manifest.Digest}}'
#   docker build --build-arg PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:... .
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /opt/secondkey
COPY requirements-image.txt ./
# Only wheels, each known by its hash: nothing is compiled, and no setup.py of a stranger runs here.
RUN python -m pip --python /opt/secondkey/bin/python install \
    --no-deps --require-hashes --only-binary :all: -r requirements-image.txt
COPY pyproject.toml README.md ./
COPY bot bot
COPY cards cards
COPY manifest manifest
# What builds the package stays behind.
RUN python -m pip --python /opt/secondkey/bin/python install --no-deps --no-index --no-build-isolation . \
    && python -m pip --python /opt/secondkey/bin/python uninstall --yes \
    editables hatchling packaging pathspec pluggy tomlkit trove-classifiers

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0.dev0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Second Key" \
      org.opencontainers.image.description="Microsoft Entra PIM approvals in Microsoft Teams" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN python -m pip uninstall --yes --root-user-action=ignore setuptools wheel pip \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/secondkey /opt/secondkey
ENV PATH="/opt/secondkey/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SECONDKEY_HOST=0.0.0.0 \
    SECONDKEY_DATABASE_URL=sqlite+aiosqlite:////data/secondkey.db
# secondkey.toml is looked for here. The root file system may be read-only: the bot writes to its
# SQLite file here, and with PostgreSQL to nothing at all.
WORKDIR /data
VOLUME ["/data"]
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 3978
# The bot finishes or releases what it holds within ten seconds: give it more before killing it.
STOPSIGNAL SIGTERM
# checkov:skip=CKV_DOCKER_2:no HEALTHCHECK, for the reason below
# checkov:skip=CKV_DOCKER_7:the tag is in PYTHON_IMAGE above, where it can be replaced by a digest
# No HEALTHCHECK: Container Apps and Kubernetes ignore it and ask /healthz and /readyz themselves, and
# elsewhere only what routes requests could act on the difference between the two.
ENTRYPOINT ["/opt/secondkey/bin/secondkey"]
CMD ["serve"]
