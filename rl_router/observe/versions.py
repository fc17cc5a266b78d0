"""What a run was made with: Python, platform, package versions and, from a checkout, the git commit."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import rl_router

# fmt: off
PACKAGES = (
    "rl-router", "verl", "ray", "torch", "transformers", "tokenizers", "tensordict", "TransferQueue", "safetensors",
    "numpy", "polars", "pyarrow", "hydra-core", "omegaconf", "tensorboard", "wandb", "rich", "sglang", "vllm",
    "flash-attn", "litellm",
)
# fmt: on


def collect_versions(source: Path | None = None) -> dict[str, Any]:
    """`source` is the folder whose git state counts, the package's own by default. Missing packages are left out."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "git": git_state(source or Path(rl_router.__file__).parent),
    }


def git_state(source: Path) -> dict[str, Any] | None:
    """Commit and whether tracked files differ from it; None when git does not track `source`.

    An installed copy inside somebody's checkout (`.venv`) is not tracked, so it never borrows that checkout's commit.
    """
    if not _git(source, "ls-files", "--", "."):
        return None
    commit = _git(source, "rev-parse", "HEAD")
    if not commit:
        return None
    return {"commit": commit, "dirty": bool(_git(source, "status", "--porcelain", "--untracked-files=no"))}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _git(source: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(source), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
