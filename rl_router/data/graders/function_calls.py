"""Function calls compared by name and arguments, as BFCL's AST check does (https://gorilla.cs.berkeley.edu/leaderboard).

A question's answer is a JSON list with one object per wanted call, `{"f": {"x": [1, 2], "unit": ["m", ""]}}`: each
parameter with every value that counts, `""` among them where it may be left out. Replies may write calls as Python
(`[f(x=1)]`) or JSON (`[{"name": "f", "arguments": {"x": 1}}]`). An empty list of wanted calls means that no function
fits: a reply that calls one is wrong.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rl_router.data.graders.final_answer import unwrapped, without_thoughts
from rl_router.types import Query

FENCE = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)
IGNORED = re.compile(r"[ ,./\-_*^'\"]")
MAX_CHARS = 20_000
"""A reply longer than this is no list of calls, and Python's parser nests deeply on garbage."""


@dataclass(frozen=True)
class FunctionCall:
    name: str
    arguments: Mapping[str, Any]


def grade_calls(response: str, query: Query) -> float | None:
    """1.0 when the reply makes exactly the wanted calls, in any order."""
    wanted = wanted_calls(query)
    if wanted is None:
        return None
    if not response.strip():
        return 0.0
    calls = calls_in(response)
    if not wanted:
        return 1.0 if not calls else 0.0
    if calls is None or len(calls) != len(wanted):
        return 0.0
    return 1.0 if _pairs(calls, wanted) else 0.0


def gold_calls(query: Query) -> tuple[str, ...]:
    """The wanted calls with the first value of each parameter, written as JSON."""
    wanted = wanted_calls(query)
    if wanted is None:
        return ()
    if not wanted:
        return ("None of the functions fits.",)
    calls = [
        {"name": name, "arguments": {key: _first(values) for key, values in given.items() if _first(values) != ""}}
        for call in wanted
        for name, given in call.items()
    ]
    return (json.dumps(calls),)


def wanted_calls(query: Query) -> list[dict[str, dict[str, list[Any]]]] | None:
    if not query.answers:
        return None
    try:
        wanted = json.loads(query.answers[0])
    except (ValueError, RecursionError):
        return None
    return wanted if isinstance(wanted, list) and all(_is_call(call) for call in wanted) else None


def _is_call(wanted: Any) -> bool:
    """{function: {parameter: [accepted values]}}, as BFCL writes it."""
    return isinstance(wanted, dict) and all(
        isinstance(parameters, dict) and all(isinstance(values, list) for values in parameters.values())
        for parameters in wanted.values()
    )


def calls_in(response: str) -> list[FunctionCall] | None:
    """The calls of a reply, the last fenced block first; None when there is nothing that reads as calls."""
    text = without_thoughts(response).strip()
    for part in (*reversed(FENCE.findall(text)), text, *re.findall(r"\[.*\]", text, re.DOTALL)):
        part = unwrapped(part)
        if len(part) <= MAX_CHARS and (calls := _json_calls(part) or _python_calls(part)):
            return calls
    return None


def _json_calls(text: str) -> list[FunctionCall] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    entries = value if isinstance(value, list) else [value]
    calls = [_json_call(entry) for entry in entries]
    return [call for call in calls if call is not None] if None not in calls else None


def _json_call(entry: Any) -> FunctionCall | None:
    """`{"name": …, "arguments": …}`, OpenAI's `{"function": {…}}`, or BFCL's `{"f": {…}}`."""
    if not isinstance(entry, dict):
        return None
    entry = entry["function"] if isinstance(entry.get("function"), dict) else entry
    name = entry.get("name")
    arguments = next((entry[key] for key in ("arguments", "parameters", "args") if key in entry), None)
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return None
    if isinstance(name, str) and isinstance(arguments, dict):
        return FunctionCall(name, arguments)
    if len(entry) == 1:
        (name, arguments), *_ = entry.items()
        return FunctionCall(name, arguments) if isinstance(arguments, dict) else None
    return None


def _python_calls(text: str) -> list[FunctionCall] | None:
    try:
        tree = ast.parse(text, mode="eval").body
        nodes = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        return [_python_call(node) for node in nodes]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _python_call(node: ast.expr) -> FunctionCall:
    if not isinstance(node, ast.Call) or node.args or any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("not a call with named arguments")
    arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
    return FunctionCall(ast.unparse(node.func), arguments)


def _pairs(calls: list[FunctionCall], wanted: list[dict[str, dict[str, list[Any]]]]) -> bool:
    """Whether each call can be given a wanted one of its own (augmenting paths: greedy pairing can block itself)."""
    fits = [[j for j, want in enumerate(wanted) if _fits(call, want)] for call in calls]
    taken: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in fits[i]:
            if j not in tried:
                tried.add(j)
                if j not in taken or place(taken[j], tried):
                    taken[j] = i
                    return True
        return False

    return all(place(i, set()) for i in range(len(calls)))


def _fits(call: FunctionCall, wanted: Mapping[str, Mapping[str, list[Any]]]) -> bool:
    if call.name not in wanted:
        return False
    allowed = wanted[call.name]
    named = all(key in allowed and _accepted(value, allowed[key]) for key, value in call.arguments.items())
    return named and all(key in call.arguments or "" in values for key, values in allowed.items())


def _accepted(value: Any, values: list[Any]) -> bool:
    return any(_equal(value, right) for right in values or [[]])  # BFCL writes [] where only an empty list counts


def _equal(value: Any, right: Any) -> bool:
    """A dict among the accepted values lists, per key, what counts there; a number is itself, never its text."""
    if isinstance(right, dict):
        inside = {key: wanted if isinstance(wanted, list) else [wanted] for key, wanted in right.items()}
        return (
            isinstance(value, dict)
            and all(key in inside and _accepted(item, inside[key]) for key, item in value.items())
            and all(key in value or "" in wanted for key, wanted in inside.items())
        )
    if isinstance(right, list):
        same_length = isinstance(value, list | tuple) and len(value) == len(right)
        return same_length and all(_equal(item, wanted) for item, wanted in zip(value, right, strict=True))
    if isinstance(right, str):
        return isinstance(value, str) and _plain(value) == _plain(right)
    if isinstance(right, bool) or isinstance(value, bool):
        return value is right
    return bool(value == right)


def _plain(text: str) -> str:
    return IGNORED.sub("", text).lower() or text.strip()


def _first(values: Any) -> Any:
    """The first accepted value that is not `left out`, nested ones resolved the same way."""
    if not isinstance(values, list):
        return values
    return _plainly(next((value for value in values if value != ""), "")) if values else []


def _plainly(value: Any) -> Any:
    """A value without the choices inside it: a dict names several values per key."""
    if isinstance(value, dict):
        return {key: _first(inner) for key, inner in value.items() if _first(inner) != ""}
    return [_plainly(item) for item in value] if isinstance(value, list) else value
