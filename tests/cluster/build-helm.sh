#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the pinned Helm 3 and Helm 4, once, into the cache outside the tree, and prints the folder. Its
# name holds the hash of helm/go.sum: a new Helm does not build Kubernetes again.
#
#   build-helm.sh          build what is missing, print the folder on standard output
#   build-helm.sh --where  print the folder, build nothing
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/helm/go.mod" "$here/helm/go.sum" | sha256sum | cut -c1-16)
cache=${PLIMSOLL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll}
out=$cache/helm-$key
[ "${1:-}" = --where ] && { echo "$out"; exit 0; }

go=${PLIMSOLL_GO:-go}
say() { echo "helm: $*" >&2; }

# One at a time: a second caller waits for the first instead of building beside it.
mkdir -p "$out"
exec 9>"$cache/build-helm.lock"
flock 9

version_of() { # MODULE
    awk -v module="$1" '$1 == module { print $2; exit }' "$here/helm/go.mod"
}

build() { # MAJOR
    local version kubernetes stamp
    [ -x "$out/helm$1" ] && return
    version=$(version_of "helm.sh/helm/v$1")
    kubernetes=$(version_of k8s.io/client-go)
    kubernetes=${kubernetes#v0.}
    say "building Helm $version ($(date +%H:%M:%S)); 5 to 30 minutes on two cores, once"
    # Without the stamps it knows neither its own version nor, Helm 3, the Kubernetes that it is of.
    stamp="-s -w -X helm.sh/helm/v$1/internal/version.version=$version"
    stamp+=" -X helm.sh/helm/v$1/pkg/chartutil.k8sVersionMajor=1"
    stamp+=" -X helm.sh/helm/v$1/pkg/chartutil.k8sVersionMinor=${kubernetes%%.*}"
    (cd "$here/helm" && CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=local \
        nice -n 5 "$go" build -trimpath -o "$out/helm$1.part" -ldflags "$stamp" "helm.sh/helm/v$1/cmd/helm")
    mv "$out/helm$1.part" "$out/helm$1"
}
build 3
build 4
say "ready in $out"
echo "$out"
