"""Train an RL router on one machine or a Ray cluster: python train/rl.py quickstart algorithm=grpo seed=1"""

import sys

from rl_router.cli import main

sys.exit(main(["train", *sys.argv[1:]]))
