# syntax=docker/dockerfile:1

FROM python:3.12-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# The environment gets no pip of its own; the image's pip fills it from outside.
RUN python -m venv --without-pip /opt/venv

WORKDIR /src
COPY requirements.lock ./
# What is installed is what was locked, byte for byte, and nothing is compiled.
RUN pip --python /opt/venv/bin/python install \
      --require-hashes --only-binary :all: -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY engine engine
COPY storage storage
COPY broker broker
COPY ea ea
COPY locales locales
# hatchling and what it brings are locked with the rest; the image does not need them any more.
RUN pip --python /opt/venv/bin/python install --no-deps --no-build-isolation . \
 && pip --python /opt/venv/bin/python uninstall -y \
      editables hatchling pathspec pluggy trove-classifiers


FROM python:3.12-slim

RUN pip uninstall -y --root-user-action=ignore pip \
 && useradd --uid 10001 --user-group --no-log-init --create-home --shell /usr/sbin/nologin trader \
 && install -d -o trader -g trader /var/lib/ai-trader
COPY --from=build /opt/venv /opt/venv

# The root may be read-only: matplotlib keeps its font list in /tmp.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib

USER 10001:10001
WORKDIR /home/trader
HEALTHCHECK NONE
ENTRYPOINT ["ai-trader"]
CMD ["--help"]
