"""Embed candidate models: python data_preprocess/build_model_embeddings.py zeroeval encoder=st:minilm"""

import sys

from rl_router.cli import main

sys.exit(main(["data", "models", *sys.argv[1:]]))
