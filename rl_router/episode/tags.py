"""The tags dialect of Router-R1 as text: what a prompt, a turn of the policy and a reply look like.

A turn is one thought and one action, `<think> … </think><search> model: query</search>` or
`<think> … </think><answer> text</answer>`. Only what the policy sampled is ever parsed. Replies are rendered, never
parsed, and lose the `<` of anything that looks like a tag, so nothing in them can act.
"""

from __future__ import annotations

import re

from rl_router.episode.dialect import Action, Answer, Malformed, Route

QUERY, END_QUERY = "<query>", "</query>"
THINK, END_THINK = "<think>", "</think>"
SEARCH, END_SEARCH = "<search>", "</search>"
INFORMATION, END_INFORMATION = "<information>", "</information>"
ANSWER, END_ANSWER = "<answer>", "</answer>"
EOS, PAD = "<eos>", "<pad>"

TAGS = (
    QUERY, END_QUERY, THINK, END_THINK, SEARCH, END_SEARCH, INFORMATION, END_INFORMATION, ANSWER, END_ANSWER,
)  # fmt: skip
"""What every policy's tokenizer must hold as one token each. Its end-of-text and padding tokens may have any name."""

COST_WEIGHT = re.compile(r"<(?:cost_weight|budget_usd)=([^<>]*)>")
"""The setting of the dial: how much cost weighs, or what the answer may cost."""
_TAG = re.compile("|".join([*map(re.escape, (*TAGS, EOS, PAD)), COST_WEIGHT.pattern.replace("([", "(?:[")]))
_TAG_LIKE = re.compile(
    r"<(?=/?(?:query|think|search|information|answer|tool_call|tool_response|eos|pad|cost_weight|budget_usd))",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def parse_turn(text: str, eos: str = EOS) -> Action:
    """What one sampled turn does. White space around every part is free; one `eos` may close the turn."""
    body = text.strip()
    if eos:
        body = body.removesuffix(eos)
    words, found = _TAG.split(body), _TAG.findall(body)
    if found[:2] != [THINK, END_THINK]:
        return Malformed(f"expected {THINK} … {END_THINK} first, came {_shown(found[:2], body)}")
    if found[2:] not in ([SEARCH, END_SEARCH], [ANSWER, END_ANSWER]):
        return Malformed(f"expected one {SEARCH} or {ANSWER} after the thought, came {_shown(found[2:], words[2])}")
    before, _, between, inside, after = words
    if before.strip() or between.strip() or after.strip():
        return Malformed(f"expected nothing outside the tags, came {_shown([], before + between + after)}")
    if found[2] == ANSWER:
        return Answer(inside.strip())
    model, colon, query = inside.partition(":")
    if not colon or not model.strip():
        return Malformed(f"expected 'model: query' in {SEARCH}, came {_shown([], inside)}")
    return Route(model.strip(), query.strip())


def _shown(tags: list[str], text: str) -> str:
    return " ".join(tags[:6]) or repr(text.strip()[:40])


def cost_weight_tag(setting: float, *, budget: bool = False) -> str:
    """`setting` is a cost weight, or with `budget` an amount in USD."""
    return f"<{'budget_usd' if budget else 'cost_weight'}={setting:g}>"


def render_prompt(question: str, cost_weight: float | None) -> str:
    """The question and, unless the policy is blind to it, the price level it should act at."""
    tag = "" if cost_weight is None else cost_weight_tag(cost_weight)
    return f"{QUERY} {neutralise(question)}{END_QUERY}{tag}"


def render_turn(thought: str, action: Route | Answer) -> str:
    said = f"{THINK} {thought}{END_THINK}"
    if isinstance(action, Answer):
        return f"{said}{ANSWER} {action.text}{END_ANSWER}"
    return f"{said}{SEARCH} {action.model}: {action.query}{END_SEARCH}"


def render_reply(text: str) -> str:
    return f"{INFORMATION} {neutralise(text)}{END_INFORMATION}"


def writable(text: str) -> str:
    """`text` that any file or socket takes: lone surrogates, which UTF-8 has no bytes for, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def neutralise(text: str) -> str:
    """`text` without the power to act: `<answer>` becomes `‹answer>`, a control character a space."""
    return _TAG_LIKE.sub("‹", _CONTROL.sub(" ", writable(text)))
