"""Routes to models that a policy has never seen: python evaluation/held_out_models.py runs/held_out."""

import sys

from rl_router.evaluation.dial.held_out import main

sys.exit(main())
