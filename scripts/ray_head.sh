#!/usr/bin/env bash
# Starts the head of a Ray cluster on this machine: bash scripts/ray_head.sh [port]. Workers join with ray_worker.sh.
# API keys of the models must be in the environment here and on every worker: the agent loops run on all of them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/ray_environment.sh"

port="${1:-6379}"
"$ray" start --head --port "$port" --dashboard-host 127.0.0.1 --disable-usage-stats
echo "Join from each other machine: bash scripts/ray_worker.sh $(hostname -I | cut -d' ' -f1):$port"
echo "Then train on it, from here: rl-router train router_r1_ppo cluster=multi_node cluster.nodes=N"
