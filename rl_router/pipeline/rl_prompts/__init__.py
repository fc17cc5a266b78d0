"""RL prompt sets: graded questions become verl's parquet, each with the pool that its episode may ask.

Every choice is a function of the seed and of what it is about (a question's id, a repetition), never of the order of
work, so any number of workers writes the same bytes.
"""

from rl_router.pipeline.rl_prompts.build import build_prompts
from rl_router.pipeline.rl_prompts.job import PromptsJob

__all__ = ["PromptsJob", "build_prompts"]
