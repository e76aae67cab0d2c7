# SPDX-License-Identifier: Apache-2.0
# One image for server and agent, for amd64 and arm64: the two programs, the libraries they load and nothing
# else; no shell, no package manager. scripts/fresh-machine runs the same steps without a container engine.
#
#   docker build -t plimsoll:0.1.0 .
#
# The release workflow looks the tag's digest up, passes it as BASE=debian@sha256:… and writes it on the image
# (org.opencontainers.image.base.digest), so that what was released can be built again.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
WORKDIR /src
# First and alone, so that a change of the sources installs nothing again.
COPY scripts/install-packages scripts/
RUN scripts/install-packages build
COPY . .
RUN cmake --preset release -DPLIMSOLL_TESTS=OFF && cmake --build --preset release
RUN scripts/image-root build/release /image

FROM scratch
COPY --from=build /image /
ENV PATH=/usr/bin
# The chart starts the agent as uid 0, which the kubelet's files need, with every capability dropped.
USER 65532:65532
ENTRYPOINT ["plimsoll"]
CMD ["help"]
