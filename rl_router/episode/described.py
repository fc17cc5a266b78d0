"""The compact dialect over a pool that differs from sample to sample: the prompt lists who can be asked, by letters.

A letter means a place in the list, and places are drawn anew for every sample, so the policy can only go by what is
said of a model. That is what lets it route to a model that was not there when it was trained. Each word of a
description bears its letter ("B.units7"): a policy of two layers learned to add up what is said of B, and did not learn
to look up whose word it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from rl_router.episode.dialect import Opening
from rl_router.episode.tokens import TokenCodec
from rl_router.errors import RecipeError
from rl_router.pool.spec import ModelSpec

LETTERS = "ABCDEFGH"


class DescribedPool(TokenCodec):
    """`<information> A.price2 A.units7 B.price5 …</information>` before a compact prompt, and routes to a letter."""

    def opening(self, opening: Opening, max_tokens: int) -> list[int]:
        listed = self._listed(opening.models, max_tokens)
        return [*listed, *self.prompt(opening.query.text, self._setting(opening), max(0, max_tokens - len(listed)))]

    def cuts(self, opening: Opening, max_tokens: int) -> bool:
        return super().cuts(opening, max(0, max_tokens - len(self._listed(opening.models, max_tokens))))

    def named(self, written: str, models: Sequence[ModelSpec]) -> str:
        place = LETTERS.find(written) if len(written) == 1 else -1
        return models[place].name if 0 <= place < len(models) else written

    def _listed(self, models: Sequence[ModelSpec], max_tokens: int) -> list[int]:
        text = " ".join(f"{letter}.{word}" for letter, model in lettered(models) for word in model.description.split())
        return self.reply(text, max_tokens)


def lettered(models: Sequence[ModelSpec]) -> list[tuple[str, ModelSpec]]:
    """RecipeError where there are more models than letters: pools are to be drawn smaller."""
    if len(models) > len(LETTERS):
        raise RecipeError(
            f"{len(models)} models in one prompt are more than the {len(LETTERS)} that the described dialect has"
            " letters for; set pools.size"
        )
    return list(zip(LETTERS, models, strict=False))
