"""A learner's state as bytes (safetensors) and back: what a worker leaves so that the next need not start over."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import load, save

from rl_router.errors import CheckpointError
from rl_router.online.arm import Arm
from rl_router.online.drift import PageHinkley
from rl_router.online.learner import Bill, Learner, Memory


def to_bytes(learner: Learner) -> bytes:
    models = sorted({*learner.arms, *learner.bills})
    arms = {model: learner.arms.get(model) for model in models}
    arrays = {f"{m}.{name}": getattr(arm, name) for m, arm in arms.items() if arm for name in ("gram", "moment")}
    about = {
        "d": learner.d,
        "clock": learner.clock,
        "changes": learner.changes,
        "arms": {model: [arm.outcomes, arm.clock] for model, arm in arms.items() if arm},
        "bills": {model: [bill.paid, bill.expected] for model, bill in learner.bills.items()},
        "tests": {model: [test.fallen, test.risen] for model, test in learner.tests.items()},
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    return bytes(save(arrays))


def from_bytes(state: bytes, memory: Memory, trust: dict[str, float]) -> Learner:
    """CheckpointError when the bytes are not those of `to_bytes`."""
    try:
        deserialize(state)  # checks the layout before anything is read
        arrays = load(state)
        about: dict[str, Any] = json.loads(arrays.pop("about").tobytes())
        learner = Learner(memory=memory, d=about["d"], trust=trust, clock=about["clock"])
        learner.changes = [(str(model), int(at)) for model, at in about["changes"]]
        for model, (outcomes, clock) in about["arms"].items():
            gram, moment = arrays[f"{model}.gram"].copy(), arrays[f"{model}.moment"].copy()
            if gram.shape != (learner.d + 1, learner.d + 1) or moment.shape != (learner.d + 1,):
                raise ValueError(f"the sums of {model} have another size")
            learner.arms[model] = Arm(gram=gram, moment=moment, outcomes=outcomes, clock=clock)
        learner.bills = {model: Bill(*values) for model, values in about["bills"].items()}
        for model, (fallen, risen) in about["tests"].items():
            learner.tests[model] = PageHinkley(slack=memory.slack, alarm=memory.alarm, fallen=fallen, risen=risen)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"a snapshot of what was learned online is broken ({error}); delete it") from None
    return learner
