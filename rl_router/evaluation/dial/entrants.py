"""Who takes part in the dial experiment, and how each is trained: `rl-router train` in a process of its own.

A run that has results is not trained again, and one that was killed goes on from its last checkpoint.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rl_router.errors import RunError
from rl_router.observe.console import say

RECIPE = "dial"
REWARDS = {"dial": (), "router_r1": ("reward=router_r1",), "success_gated": ("reward=success_gated",)}
"""The dial as its recipe has it, and what the same world and budget come to under the rewards of the two papers."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One training run: a reward and a seed."""

    reward: str
    seed: int
    folder: Path

    def train(self, changes: Sequence[str]) -> None:
        """RunError when the run fails; what it got to stays, and the same command goes on from there."""
        if (self.folder / "results.json").is_file():
            return
        say(f"training {self.folder.name}")
        command = [sys.executable, "-m", "rl_router.cli", "train", RECIPE, *REWARDS[self.reward], *changes]
        done = subprocess.run([*command, f"seed={self.seed}", f"run_dir={self.folder}"], check=False)
        if done.returncode != 0:
            raise RunError(f"{self.folder.name} ended with exit code {done.returncode}; the same command resumes it")


def entrants(folder: Path, seeds: Sequence[int], others: Sequence[str]) -> list[Entrant]:
    """The dial with every seed, then each of `others` with the first."""
    chosen = [("dial", seed) for seed in seeds] + [(reward, seeds[0]) for reward in others]
    return [Entrant(reward=reward, seed=seed, folder=folder / f"{reward}_seed{seed}") for reward, seed in chosen]
