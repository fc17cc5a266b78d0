#!/usr/bin/env bash
# Trains a recipe on this machine's GPUs: bash train/launch_one_node.sh router_r1_ppo [key=value …]
# GPUS=4 uses four of them; one GPU gets cluster=one_gpu and its offload.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 1 ] || { echo "Expected a recipe: bash train/launch_one_node.sh router_r1_ppo" >&2; exit 2; }

export PATH="$PWD/.venv/bin:$PATH"
recipe="$1"; shift
gpus="${GPUS:-$(nvidia-smi --list-gpus | wc -l)}"
if [ "$gpus" = 1 ]; then
  exec rl-router train "$recipe" cluster=one_gpu cluster.offload=true "$@"
fi
exec rl-router train "$recipe" cluster=one_node cluster.devices_per_node="$gpus" "$@"
