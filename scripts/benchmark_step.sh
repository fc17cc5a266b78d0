#!/usr/bin/env bash
# Times our training step beside TRL's GRPOTrainer: bash scripts/benchmark_step.sh OUTPUT.json [--steps N …]
# TRL goes to a folder of its own, without its dependencies: it runs on the packages that rl-router has.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

trl_version=1.16.0
trl="$venv/trl-$trl_version"
install_extras rl
if [ ! -d "$trl" ]; then
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --target "$trl.partial" "trl==$trl_version"
  mv "$trl.partial" "$trl"
fi
exec "$venv/bin/python" "$root/scripts/benchmark_step.py" --trl "$trl" "$@"
