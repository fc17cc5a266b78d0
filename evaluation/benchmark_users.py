"""Routers that know their users, on synthetic users: python evaluation/benchmark_users.py TABLE"""

import sys

from rl_router.evaluation.personal import main

sys.exit(main())
