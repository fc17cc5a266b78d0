#!/usr/bin/env bash
# Trains a recipe on a Slurm allocation, one Ray cluster per job:
#   sbatch --nodes=4 train/launch_slurm.sh router_r1_ppo [key=value …]
# A job that runs out of time or loses a node is submitted again: the run goes on from its last whole checkpoint.
#SBATCH --job-name=rl-router
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
set -euo pipefail
cd "${SLURM_SUBMIT_DIR:?start it with sbatch from the checkout}"
[ $# -ge 1 ] || { echo "Expected a recipe: sbatch train/launch_slurm.sh router_r1_ppo" >&2; exit 2; }

recipe="$1"; shift
port=$((20000 + SLURM_JOB_ID % 20000))
mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head="$(srun --nodes=1 --ntasks=1 --nodelist="${hosts[0]}" hostname -I | cut -d' ' -f1)"

srun --nodes=1 --ntasks=1 --nodelist="${hosts[0]}" bash -c "bash scripts/ray_head.sh $port && sleep infinity" &
sleep 20
for host in "${hosts[@]:1}"; do
  RAY_BLOCK=1 srun --nodes=1 --ntasks=1 --nodelist="$host" bash scripts/ray_worker.sh "$head:$port" &
done
sleep 20

# The launcher runs where this script does, the first host; a TERM two minutes before the end lets it stop cleanly.
.venv/bin/rl-router train "$recipe" cluster=multi_node cluster.nodes="${#hosts[@]}" \
  cluster.devices_per_node="${SLURM_GPUS_ON_NODE:-8}" cluster.address="$head:$port" "$@" &
launcher=$!
trap 'kill -TERM $launcher 2>/dev/null' TERM
wait $launcher
