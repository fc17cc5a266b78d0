"""Write the report of a run anew: python evaluation/report.py runs/quickstart"""

import sys

from rl_router.cli import main

sys.exit(main(["report", *sys.argv[1:]]))
