#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Applies this folder and gives the webhook its certificate. Safe to run again.
#
#   install.sh CERTS     a folder with ca.crt, tls.crt and tls.key (`plimsoll certs --out CERTS`)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
certs=${1:?a folder with ca.crt, tls.crt and tls.key is needed: plimsoll certs --out DIR}
for file in ca.crt tls.crt tls.key; do
    [ -r "$certs/$file" ] || { echo "install.sh: $certs/$file is missing" >&2; exit 1; }
done

kubectl apply -f "$here/00-namespace.yaml"
kubectl -n plimsoll-system create secret tls plimsoll-tls --dry-run=client -o yaml \
    --cert="$certs/tls.crt" --key="$certs/tls.key" | kubectl apply -f -
kubectl apply -f "$here"

# The API server trusts what caBundle names and nothing else.
kubectl patch mutatingwebhookconfiguration plimsoll --type=json --patch "[{\"op\": \"add\",
    \"path\": \"/webhooks/0/clientConfig/caBundle\", \"value\": \"$(base64 -w0 < "$certs/ca.crt")\"}]"
