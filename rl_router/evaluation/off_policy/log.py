"""The log of a gateway that off-policy evaluation reads: JSON lines, one per decision.

| field | type | |
|---|---|---|
| `query_id` | text | unique in the log |
| `query` | text | what was asked; needed to ask a router what it would have done |
| `task` | text or null | kind of query, when known |
| `candidates` | list of texts | the models that could have been chosen |
| `model` | text | the one that was, a candidate |
| `propensity` | number in (0, 1] | the probability with which it was chosen, as the policy had it at that moment |
| `quality` | number in 0..1 or null | a grade or feedback; null: nobody said |
| `cost_usd` | number ≥ 0 or null | all in; null: unknown |
| `arms` | names to texts | what each arm of a canary decided on, `control` and `canary` |

Other fields are allowed and ignored. The gateway writes a line when its answer has come, with a `kind`: "decision", or
"request" where nothing was decided, which is left out here. Feedback that comes later is a line of `kind` "feedback"
with `query_id` and `quality`; the last one counts. What a shadow decided is a line of `kind` "shadow" with `query_id`
and `model`, and becomes the arm `shadow`. A policy that always picks the same model for a query has propensity 1, and
then nothing can be learned about another choice for it: a log is worth evaluating on when some share of the traffic was
routed at random.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from sys import float_info
from typing import Any

from rl_router.errors import DataError
from rl_router.observe.files import append_lines


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedCall:
    """One decision and what came of it; the fields are those of the table above."""

    query_id: str
    query: str
    candidates: tuple[str, ...]
    model: str
    propensity: float
    quality: float | None = None
    cost_usd: float | None = None
    task: str | None = None
    arms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = (self.query_id, self.query, self.model, *self.candidates)
        if not all(isinstance(text, str) for text in texts) or not isinstance(self.task, str | None):
            raise DataError("query_id, query, model, task and candidates are texts")
        if not isinstance(self.arms, Mapping) or not all(isinstance(model, str) for model in self.arms.values()):
            raise DataError("arms are names of arms and the model of each")
        if self.model not in self.candidates:
            raise DataError(f"model {self.model!r} is not among its candidates {', '.join(self.candidates)}")
        _check("propensity", self.propensity, 0, 1, low_included=False)
        if self.quality is not None:
            _check("quality", self.quality, 0, 1)
        if self.cost_usd is not None:
            _check("cost_usd", self.cost_usd, 0, float_info.max)


def append(path: Path, call: LoggedCall) -> None:
    """Add a line to a log, which several processes may share. A line torn by an earlier death is cut off first."""
    append_lines(path, [asdict(call)])


def read_log(path: Path | str) -> list[LoggedCall]:
    """Every call of a log. A last line that was cut off by a kill is left out; any other bad line is a DataError."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"The log {path} cannot be read ({error.strerror}); name a file of JSON lines.") from None
    except UnicodeDecodeError:
        raise DataError(f"The log {path} is not UTF-8 text; name a file of JSON lines.") from None
    lines = text.split("\n")
    if _torn(lines[-1]):
        del lines[-1]
    records = [_record(line, f"line {number} of {path}") for number, line in enumerate(lines, start=1) if line.strip()]
    said = {record.get("query_id"): record for record, _ in records if record.get("kind") == "feedback"}
    decisions = [(record, where) for record, where in records if record.get("kind", "decision") == "decision"]
    if not decisions:
        raise DataError(f"The log {path} holds no call; it needs one JSON object per line.")
    shadows = {record.get("query_id"): record.get("model") for record, _ in records if record.get("kind") == "shadow"}
    calls = [_call(_joined(record, said, shadows), where) for record, where in decisions]
    seen: set[str] = set()
    for call in calls:
        if call.query_id in seen:
            raise DataError(f"The log {path} has query_id {call.query_id!r} twice; give each decision its own.")
        seen.add(call.query_id)
    return calls


def _torn(last: str) -> bool:
    """Whether what follows the last line break is the beginning of a line that a kill cut off."""
    if not last.strip():
        return False
    try:
        json.loads(last)
    except ValueError:
        return True
    return False


def _record(text: str, where: str) -> tuple[dict[str, Any], str]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise DataError(f"Expected a JSON object in {where}, got {error}; mend or remove that line.") from None
    if not isinstance(record, dict):
        raise DataError(f"Expected a JSON object in {where}, got {type(record).__name__}; mend or remove that line.")
    return record, where


def _joined(
    record: Mapping[str, Any], said: Mapping[Any, Mapping[str, Any]], shadows: Mapping[Any, Any]
) -> dict[str, Any]:
    """A decision with what came of it later, and what the shadow made of the same request."""
    query_id = record.get("query_id")
    found = {**record, "quality": said.get(query_id, record).get("quality")}
    if query_id in shadows:
        found["arms"] = {**record.get("arms", {}), "shadow": shadows[query_id]}
    return found


def _call(record: Mapping[str, Any], where: str) -> LoggedCall:
    needed = ("query_id", "query", "candidates", "model", "propensity")
    missing = [name for name in needed if name not in record]
    if missing:
        raise DataError(f"There is no {', '.join(missing)} in {where}; a call has {', '.join(needed)} and outcomes.")
    try:
        return LoggedCall(**_values(record))
    except DataError as error:
        raise DataError(f"In {where}, {error}; correct that line.") from None


def _values(record: Mapping[str, Any]) -> dict[str, Any]:
    values = {known.name: record[known.name] for known in fields(LoggedCall) if known.name in record}
    if not isinstance(values["candidates"], list):
        raise DataError("candidates is a list of model names")
    return values | {"candidates": tuple(values["candidates"])}


def _check(name: str, value: object, low: float, high: float, low_included: bool = True) -> None:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not (low <= number <= high) or (number == low and not low_included):
        raise DataError(f"{name} is a number {'from' if low_included else 'above'} {low:g} to {high:g}, not {value!r}")
