# What every machine of a training cluster has to know before Ray starts on it. Sourced by ray_head.sh and ray_worker.sh.
# Ray's workers inherit this environment, so verl's plug-in and the API keys of the models must be named here and now.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PATH="$root/.venv/bin:$PATH"
export VERL_USE_EXTERNAL_MODULES=rl_router.rl.plugin TOKENIZERS_PARALLELISM=false NCCL_DEBUG="${NCCL_DEBUG:-WARN}"
ray="$(command -v ray)" || { echo "Expected ray in .venv or on the PATH: uv pip install -e '.[sglang]'" >&2; exit 2; }
