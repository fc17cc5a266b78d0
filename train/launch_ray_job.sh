#!/usr/bin/env bash
# Submits a recipe to a running Ray cluster: bash train/launch_ray_job.sh router_r1_ppo cluster.nodes=4 [key=value …]
# RAY_API_SERVER_ADDRESS=http://HOST:8265 names another cluster's dashboard. The checkout, run_dir and the checkpoint of
# the policy must be at the same path on every machine; the job is the launcher, and resumes when submitted again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 1 ] || { echo "Expected a recipe: bash train/launch_ray_job.sh router_r1_ppo cluster.nodes=4" >&2; exit 2; }

export PATH="$PWD/.venv/bin:$PATH"
exec ray job submit --address "${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265}" -- \
  bash -c "cd $(printf %q "$PWD") && exec .venv/bin/rl-router train $(printf '%q ' "$1" cluster=multi_node "${@:2}")"
