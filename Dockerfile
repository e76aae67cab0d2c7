# SPDX-License-Identifier: Apache-2.0
# One image for server and agent, for amd64 and arm64: the two programs, the libraries they load and nothing
# else; no shell, no package manager. scripts/fresh-machine runs the same steps without a container engine.
#
#   docker build -t plimsoll:0.1.0 .
#
# The base is pinned by the digest of its list for all architectures, as the registry has it and Docker's own records
# (docker-library/repo-info) repeat it. The packages installed on it are Debian's newest: what went into an image
# is in /var/lib/dpkg/status.d there.
FROM debian:12-slim@sha256:abd67ffcfa541b485a3dff59865ab629aa048a6c613e639d36e7456b0b229241 AS build
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
