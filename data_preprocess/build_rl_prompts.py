"""Make an RL prompt set: python data_preprocess/build_rl_prompts.py router_r1 seed=1"""

import sys

from rl_router.cli import main

sys.exit(main(["data", "prompts", *sys.argv[1:]]))
