"""Learning while serving: python evaluation/benchmark_online.py --regret TABLE --changes TABLE"""

import sys

from rl_router.evaluation.online.benchmark import main

sys.exit(main())
