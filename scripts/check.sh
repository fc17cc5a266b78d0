#!/usr/bin/env bash
# Style, types and layers: bash scripts/check.sh. Mend the style with: .venv/bin/ruff check --fix && .venv/bin/ruff format
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

install_extras rl,live,data,encoders,chat,dev
cd "$root"
"$venv/bin/ruff" check .
"$venv/bin/ruff" format --check .
"$venv/bin/mypy"
"$venv/bin/lint-imports"
