#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the real Kubernetes that the tests run, once, into a cache outside the tree, and prints the
# folder. The folder's name holds the hash of go.sum, so a new version of anything is a new folder.
#
#   build-control-plane.sh          build what is missing, print the folder on standard output
#   build-control-plane.sh --where  print the folder, build nothing
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/go.mod" "$here/go.sum" | sha256sum | cut -c1-16)
cache=${PLIMSOLL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll}
out=$cache/control-plane-$key
[ "${1:-}" = --where ] && { echo "$out"; exit 0; }

go=${PLIMSOLL_GO:-go}
version=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' "$here/go.mod")
minor=${version#v1.}; minor=${minor%%.*}
# Without these the server calls itself v0.0.0 and clients that compare versions refuse it.
stamp="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    stamp+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
done

say() { echo "control plane: $*" >&2; }

# One at a time: a second caller waits for the first instead of building beside it.
mkdir -p "$out"
exec 9>"$cache/build.lock"
flock 9

# kubectl and etcd come first: they are small, and what fails for want of Go or network fails early.
build() { # PACKAGE NAME
    [ -x "$out/$2" ] && return
    say "building $2 ($(date +%H:%M:%S)); all of it takes 20 to 60 minutes on two cores, once"
    (cd "$here" && CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=local \
        nice -n 5 "$go" build -trimpath -ldflags "$stamp" -o "$out/$2.part" "$1")
    mv "$out/$2.part" "$out/$2"
}
build go.etcd.io/etcd/server/v3 etcd
build k8s.io/kubernetes/cmd/kubectl kubectl
build k8s.io/kubernetes/cmd/kube-scheduler kube-scheduler
build k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver
build sigs.k8s.io/kwok/cmd/kwok kwok
build k8s.io/kubernetes/cmd/kube-controller-manager kube-controller-manager
"$here/build-helm.sh" >/dev/null
"$here/build-cert-manager.sh" >/dev/null
say "ready in $out"
echo "$out"
