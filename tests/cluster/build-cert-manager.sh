#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the pinned cert-manager, once, into the cache outside the tree, puts beside it the
# CustomResourceDefinitions that the chart's objects need, in crds/, and prints the folder. Its name holds the
# hash of what it is made from: another cert-manager does not build Kubernetes again.
#
#   build-cert-manager.sh          build what is missing, print the folder on standard output
#   build-cert-manager.sh --where  print the folder, build nothing
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/build-cert-manager.sh" "$here"/cert-manager/{main.go,go.mod,go.sum} | sha256sum | cut -c1-16)
cache=${PLIMSOLL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll}
out=$cache/cert-manager-$key
[ "${1:-}" = --where ] && { echo "$out"; exit 0; }

go=${PLIMSOLL_GO:-go}
say() { echo "cert-manager: $*" >&2; }

# One at a time: a second caller waits for the first instead of building beside it.
mkdir -p "$out"
exec 9>"$cache/build-cert-manager.lock"
flock 9
cd "$here/cert-manager"
export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=local

copy() { # MODULE, FILE THERE...
    local module=$1 folder
    shift
    "$go" mod download "$module"
    folder=$("$go" list -m -f '{{.Dir}}' "$module")
    (cd "$folder" && cp "$@" "$out/crds.part/")
}
if [ ! -d "$out/crds" ]; then
    rm -rf "$out/crds.part"
    mkdir "$out/crds.part"
    copy github.com/cert-manager/cert-manager deploy/crds/cert-manager.io_{certificaterequests,certificates,clusterissuers,issuers}.yaml
    copy github.com/prometheus-operator/prometheus-operator \
        example/prometheus-operator-crd/monitoring.coreos.com_{prometheusrules,servicemonitors}.yaml
    chmod -R u+w "$out/crds.part"
    mv "$out/crds.part" "$out/crds"
fi
if [ ! -x "$out/cert-manager" ]; then
    say "building cert-manager ($(date +%H:%M:%S)); 3 to 10 minutes on two cores, once"
    nice -n 5 "$go" build -trimpath -ldflags "-s -w" -o "$out/cert-manager.part" .
    mv "$out/cert-manager.part" "$out/cert-manager"
fi
say "ready in $out"
echo "$out"
