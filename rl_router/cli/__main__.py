"""`python -m rl_router.cli`, where no script is installed."""

import sys

from rl_router.cli import main

sys.exit(main())
