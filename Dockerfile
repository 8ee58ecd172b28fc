# One image for every exporter: docker build -t agent-observability . ; docker run agent-observability run host
# The base is an argument so that a hardened or mirrored Python image can take its place.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/agent-obs && /opt/agent-obs/bin/pip install --no-cache-dir '.[postgres]' \
    && /opt/agent-obs/bin/python -m compileall -q /opt/agent-obs/lib

FROM ${BASE_IMAGE}
COPY --from=build /opt/agent-obs /opt/agent-obs
# A new volume takes over owner and mode of the folder that it covers; the group is for those who run as somebody else.
RUN install -d -o 65532 -g 65532 -m 0770 /var/lib/agent-obs
# Nothing is written below /: run it with a read-only root file system. Ledgers live on a volume of their own.
ENV PATH=/opt/agent-obs/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 9801 9802 9803 9804 4318
ENTRYPOINT ["agent-obs"]
CMD ["run", "all"]
