#!/usr/bin/env bash
# Hosts a run's policy with SGLang or vLLM, for a gateway that plays its episodes there:
#   bash evaluation/host_policy.sh runs/xrouter_dapo [--engine vllm] [--port 30000] [-- further options of the engine]
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ -x "$root/.venv/bin/python" ]; then export PATH="$PATH:$root/.venv/bin"; fi
python="$(command -v "${PYTHON:-python}" || echo python3)"
if [ -x "$root/.venv/bin/python" ]; then python="$root/.venv/bin/python"; fi
exec "$python" -m rl_router.serving.host_policy "$@"
