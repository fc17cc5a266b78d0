"""Evaluate a run beside every baseline: python evaluation/evaluate.py runs/quickstart evaluation.queries=100"""

import sys

from rl_router.cli import main

sys.exit(main(["evaluate", *sys.argv[1:]]))
