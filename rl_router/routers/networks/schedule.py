"""How a network is trained: the hyper-parameters of the one training loop, without the torch that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """At most `max_epochs` passes; `patience` passes without a better held-out loss end it, and the best one counts."""

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    learning_rate: Annotated[float, Field(gt=0.0)] = 1e-3
    batch_size: Annotated[int, Field(ge=1)] = 256
    max_epochs: Annotated[int, Field(ge=1)] = 40
    patience: Annotated[int, Field(ge=1)] = 5
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-2
    validation_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
