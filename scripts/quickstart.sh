#!/usr/bin/env bash
# Trains, evaluates and reports the embedded example on two CPU cores: bash scripts/quickstart.sh [key=value …]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

install_extras rl
cd "$root"
exec "$venv/bin/rl-router" train quickstart "$@"
