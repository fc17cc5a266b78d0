"""Published numbers beside ours: python evaluation/reproduce_published.py --data ../shared/data"""

import sys

from rl_router.cli import main

sys.exit(main(["reproduce", *sys.argv[1:]]))
