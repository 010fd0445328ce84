#!/usr/bin/env bash
# Builds the servers that tests run against into .tributary/bin: an S3 server (Versity's gateway, Apache-2.0) and a proxy
# that breaks links (Shopify's toxiproxy, MIT). Needs Go.
set -euo pipefail
cd "$(dirname "$0")/.."

bin="$PWD/.tributary/bin"
mkdir -p "$bin"

# build NAME PACKAGE@VERSION WHAT_IS_LOST
build() {
  local folder
  if [ -x "$bin/$1" ]; then return 0; fi
  if ! command -v go >/dev/null; then
    echo "Go is not installed: $3" >&2
    return 0
  fi
  folder=$(mktemp -d)
  GOBIN="$folder" go install "$2"
  mv "$folder"/* "$bin/$1"
  rmdir "$folder"
}

build versitygw github.com/versity/versitygw/cmd/versitygw@v1.8.0 "S3 is not tested"
build toxiproxy-server github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0 "broken links are not tested"
