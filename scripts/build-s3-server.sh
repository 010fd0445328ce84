#!/usr/bin/env bash
# Builds the S3 server that tests run the blob store on (Versity's gateway, Apache-2.0) into .tributary/bin. Needs Go.
set -euo pipefail
cd "$(dirname "$0")/.."

version=v1.8.0
if [ -x .tributary/bin/versitygw ]; then exit 0; fi
if ! command -v go >/dev/null; then
  echo "Go is not installed: S3 is not tested" >&2
  exit 0
fi
mkdir -p .tributary/bin
GOBIN="$PWD/.tributary/bin" go install "github.com/versity/versitygw/cmd/versitygw@$version"
