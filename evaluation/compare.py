"""Show what changed between two evaluations: python evaluation/compare.py runs/evaluations/a runs/evaluations/b"""

import sys

from rl_router.cli import main

sys.exit(main(["compare", *sys.argv[1:]]))
