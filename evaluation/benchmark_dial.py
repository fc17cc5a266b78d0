"""The cost dial judged on three seeds, other rewards beside it: python evaluation/benchmark_dial.py --seeds 0 1 2."""

import sys

from rl_router.evaluation.dial.benchmark import main

sys.exit(main())
