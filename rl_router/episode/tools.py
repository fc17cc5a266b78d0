"""The tools dialect of xRouter (arXiv 2510.08439): models are functions, in Hermes' format through a chat template.

`call_MODEL(optimized_system_prompt, temperature)` asks a model the user's question under a system prompt that the
policy writes; `select_response(model_call_name)` ends with a reply as it stands; a turn without a call is an answer. A
turn may call several models, and they are asked at the same time. In simple mode the first reply is the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rl_router.data.importers.verl import USER_QUERY, USER_SYSTEM
from rl_router.episode.chat_template import MARK, ChatTemplate, price_line
from rl_router.episode.dialect import (
    LAST,
    Action,
    Answer,
    BadCall,
    Calls,
    Left,
    Malformed,
    Observation,
    Opening,
    Route,
    Select,
)
from rl_router.episode.instructions import TOOLS, TOOLS_SIMPLE
from rl_router.episode.tokens import TextCodec, Tokenizer
from rl_router.errors import CheckpointError, PoolError, RecipeError
from rl_router.pool.spec import ModelSpec
from rl_router.types import Mode, Query

CALL, SELECT = "call_", "select_response"
SYSTEM_PROMPT, TEMPERATURE, SELECTED = "optimized_system_prompt", "temperature", "model_call_name"
LONGEST_SYSTEM_PROMPT = 2000
"""Characters of a user's own system prompt; a longer one is part of the question (as in xRouter's data)."""
HOTTEST = 2.0
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)


class ToolCalls(TextCodec):
    """CheckpointError for a chat template that shows no tools, or shows them in another format than Hermes'."""

    stop_texts: tuple[str, ...] = ()
    corrects = True

    def __init__(self, tokenizer: Tokenizer, rules: str | None = None):
        super().__init__(tokenizer)
        self.rules = rules
        self.chat = ChatTemplate(self, self._messages)
        self.stop_ids = self.chat.stop_ids
        shown = self.chat.rendered([{"role": "user", "content": "?"}], [select_schema()])
        if SELECT not in shown or "<tool_call>" not in shown:
            raise CheckpointError(
                "The chat template does not show tools in Hermes' format (<tool_call>{…}</tool_call>), which the tools"
                " dialect speaks; use a model whose template does, such as Qwen2.5-Instruct."
            )

    def opening(self, opening: Opening, max_tokens: int) -> list[int]:
        return self.chat.opened(opening, marked_question(opening.query, LONGEST_SYSTEM_PROMPT), max_tokens)

    def cuts(self, opening: Opening, max_tokens: int) -> bool:
        return self.chat.cuts(opening, marked_question(opening.query, LONGEST_SYSTEM_PROMPT), max_tokens)

    def _messages(self, opening: Opening) -> tuple[list[dict[str, str]], list[Any]]:
        simple = opening.mode is Mode.DECIDE
        rules = self.rules or (TOOLS_SIMPLE if simple else TOOLS)
        turns = "" if simple else f"You have {opening.max_turns} turns, the one that ends included."
        system = "\n\n".join(part for part in (rules, turns, price_line(opening)) if part)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": MARK}]
        return messages, schemas(opening.models, simple=simple)

    def kept(self, token_ids: Sequence[int]) -> int:
        return next((i + 1 for i, token in enumerate(token_ids) if token in self.stop_ids), len(token_ids))

    def ends(self, token_ids: Sequence[int]) -> bool:
        return token_ids[-1] in self.stop_ids

    def parse(self, text: str) -> Action:
        body = _THOUGHT.sub("", self.chat.ended(text), count=1).strip()
        if body.startswith("<think>"):
            return Malformed("the thought was not closed")
        calls = [read_call(found) for found in _CALL.findall(body)]
        rest = _CALL.sub("", body)
        if "<tool_call>" in rest:
            calls.append(BadCall("a call was not closed: each needs both of its tags"))
        if not calls:
            return Answer(rest.strip()) if rest.strip() else Malformed("the turn has neither a call nor an answer")
        selects = [call for call in calls if isinstance(call, Select)]
        if selects and len(calls) == 1:
            return selects[0]
        alone = BadCall(f"{SELECT} stands alone in its turn")
        return Calls(tuple(alone if isinstance(call, Select) else call for call in calls))

    def spoken(self, thought: str, action: Route | Answer, models: Sequence[ModelSpec]) -> str:
        """An answer is said as it is; a reply that was referred to is selected."""
        said = f"<think> {thought} </think>\n"
        if isinstance(action, Answer):
            last = _said_call(SELECT, {SELECTED: LAST})
            return f"{said}{last if action.text == 'it' else action.text}{self.chat.turn_end}"
        arguments = {SYSTEM_PROMPT: action.system_prompt or "Answer briefly.", TEMPERATURE: action.temperature or 0.0}
        return f"{said}{_said_call(tool_name(action.model), arguments)}{self.chat.turn_end}"

    def named(self, written: str, models: Sequence[ModelSpec]) -> str:
        return next((spec.name for spec in models if tool_name(spec.name) == written), written.removeprefix(CALL))

    def messages(self, route: Route, query: str) -> tuple[Mapping[str, Any], ...]:
        system = ({"role": "system", "content": route.system_prompt},) if route.system_prompt else ()
        return (*system, {"role": "user", "content": query})

    def observed(self, observations: Sequence[Observation], left: Left, max_tokens: int) -> list[int]:
        """Everything that the template puts between two turns of the assistant, with a reply at each mark.

        The last observation says what is left, so that a template that joins replies says it once.
        """
        asked = [{"role": "user", "content": "?"}, {"role": "assistant", "content": MARK}]
        replies = [{"role": "tool", "content": f"{MARK}{told(left) if last else ''}"} for last in _lasts(observations)]
        _, between, *rest = self.chat.rendered([*asked, *replies]).split(MARK)
        pieces = [between.removeprefix(self.chat.turn_end), *rest]
        ids = self.encode(pieces[0])
        for observation, after in zip(observations, pieces[1:], strict=True):
            head = f"{observation.name} ({observation.model}): " if observation.name else ""
            ids += [*self.plain(head + observation.text, max_tokens), *self.encode(after)]
        return ids


def _said_call(name: str, arguments: Mapping[str, Any]) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n</tool_call>"


def rules_text(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"Expected dialect.rules to be a text file, got {path!r}: {error}.") from None


def read_call(text: str) -> Route | Select | BadCall:
    """One call as the policy wrote it. Whatever is wrong with it becomes the answer to it."""
    try:
        call = json.loads(text)
    except (ValueError, RecursionError):
        return BadCall('a call is JSON like {"name": …, "arguments": {…}}; this one is not')
    name = call.get("name") if isinstance(call, dict) else None
    arguments = call.get("arguments", {}) if isinstance(call, dict) else None
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return BadCall("a call needs a name, a text, and arguments, an object")
    if name == SELECT:
        selected = arguments.get(SELECTED)
        if not isinstance(selected, str | int) or isinstance(selected, bool):
            return BadCall(f"{SELECT} needs {SELECTED}, the name of a call that was answered")
        return Select(str(selected))
    return read_arguments(name, arguments)


def read_arguments(name: str, arguments: Any) -> Route | BadCall:
    """The call of a model's function, or what is wrong with its arguments."""
    if not isinstance(arguments, Mapping):
        return BadCall(f"{name} needs its arguments as an object")
    system, temperature = arguments.get(SYSTEM_PROMPT), arguments.get(TEMPERATURE)
    if not isinstance(system, str):
        return BadCall(f"{name} needs {SYSTEM_PROMPT}, a text")
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature <= HOTTEST:
        return BadCall(f"{name} needs {TEMPERATURE}, a number from 0 to {HOTTEST:g}")
    extra = sorted(set(arguments) - {SYSTEM_PROMPT, TEMPERATURE})
    if extra:
        return BadCall(f"{name} takes {SYSTEM_PROMPT} and {TEMPERATURE}, not {extra[0][:40]}")
    return Route(name, None, system, float(temperature))


def told(left: Left) -> str:
    """What the policy reads after each round of replies."""
    turns = "This is your last turn: answer or select." if left.turns == 1 else f"{left.turns} turns left."
    money = "" if left.budget_usd is None else f" ${left.budget_usd:.6f} left."
    return f"\n\n[{turns}{money}]"


def _lasts(items: Sequence[Any]) -> list[bool]:
    return [i == len(items) - 1 for i in range(len(items))]


def schemas(models: Iterable[ModelSpec], *, simple: bool) -> list[dict[str, Any]]:
    """The tools of a pool in OpenAI's form; in simple mode nothing is selected, the call's reply is the answer."""
    return [*([] if simple else [select_schema()]), *map(call_schema, models)]


def call_schema(spec: ModelSpec) -> dict[str, Any]:
    about = spec.description.rstrip(".") or ", ".join(spec.capabilities) or "No description"
    prices = f"${spec.input_usd_per_mtok:g} per million tokens in, ${spec.output_usd_per_mtok:g} out"
    properties = {
        SYSTEM_PROMPT: {"type": "string", "description": "The system prompt for the model, made for this request."},
        TEMPERATURE: {"type": "number", "description": "From 0, the likeliest answer, to 2; 0.7 is usual."},
    }
    return _function(tool_name(spec.name), f"Ask {spec.shown_name}. {about}. {prices}.", properties)


def select_schema() -> dict[str, Any]:
    properties = {
        SELECTED: {"type": "string", "description": "The name of the call, as its reply states it, such as call_1."}
    }
    return _function(SELECT, "End with the reply of a call, word for word. It stands alone in its turn.", properties)


def _function(name: str, description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": dict(properties), "required": list(properties)}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters, "strict": False},
    }


def tool_name(model: str) -> str:
    """A function name that every provider takes: `gpt-4.1` is called by `call_gpt_4_1`."""
    return CALL + re.sub(r"\W", "_", model, flags=re.ASCII)


def tool_names(models: Sequence[str], *, simple: bool) -> list[str]:
    """`select_response` but in simple mode, and `call_MODEL` for each."""
    return [*([] if simple else [SELECT]), *map(tool_name, models)]


def check_tool_names(specs: Sequence[ModelSpec]) -> None:
    by_tool: dict[str, str] = {}
    for spec in specs:
        other = by_tool.setdefault(tool_name(spec.name), spec.name)
        if other != spec.name:
            raise PoolError(f"{other!r} and {spec.name!r} would both be called by {tool_name(spec.name)}; rename one.")


def marked_question(query: Query, max_system_prompt_chars: int) -> str:
    """xRouter's marks. A system prompt of the user's own is marked as such, unless it is long: then it is question."""
    system, user = query.meta.get("system"), query.meta.get("user")
    if not system or not user:
        return f"{USER_QUERY}{query.text}"
    if len(system) > max_system_prompt_chars:
        return f"{USER_QUERY}{system}\n{user}"
    return f"{USER_SYSTEM}{system}\n{USER_QUERY}{user}"
