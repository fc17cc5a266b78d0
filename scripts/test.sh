#!/usr/bin/env bash
# Runs the tests: bash scripts/test.sh [pytest options]. Each test has a hard limit; none may outlive it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

install_extras rl,live,data,encoders,chat,dev
cd "$root"
exec "$venv/bin/python" -m pytest -q "$@"
