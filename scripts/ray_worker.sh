#!/usr/bin/env bash
# Joins this machine to a Ray cluster: bash scripts/ray_worker.sh HOST:PORT
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/ray_environment.sh"

[ $# -ge 1 ] || { echo "Expected the head's address: bash scripts/ray_worker.sh HOST:PORT" >&2; exit 2; }
exec "$ray" start --address "$1" --disable-usage-stats ${RAY_BLOCK:+--block}
