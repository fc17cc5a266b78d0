"""What stands below an answer and below a conversation: who answered, why, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rl_router.serving.chat.conversation import Conversation, Turn

GAP = " · "


def caption(metadata: Mapping[str, Any]) -> str:
    """`mid` by knn · $0.001900 · 0.42 s, as Markdown."""
    strategy = metadata.get("routing_strategy")
    who = f"`{metadata.get('model_used') or 'nobody'}`"
    if strategy and strategy != "direct":
        who += f" by {strategy}"
    parts = [who, cost(metadata), f"{metadata.get('total_time', 0.0):.2f} s"]
    asked = [call["model"] for call in metadata.get("call_history", ()) if call["status"] != "skipped"]
    if len(asked) > 1:
        parts.append(f"asked {', '.join(f'`{model}`' for model in asked)}")
    if metadata.get("reason"):
        parts.append(str(metadata["reason"]))
    if metadata.get("stop") not in (None, "answered", "routed"):
        parts.append(f"ended by {metadata['stop']}")
    return GAP.join(parts)


def cost(metadata: Mapping[str, Any]) -> str:
    known = metadata.get("cost_known", True)
    return f"{'' if known else 'at least '}${metadata.get('total_cost', 0.0):.6f}"


def total(conversation: Conversation) -> str:
    """What the whole conversation has cost."""
    if not conversation.turns:
        return "Nothing asked yet."
    count = len(conversation.turns)
    more = "at least " if conversation.has_unknown_cost else ""
    return f"{count} question{'s' if count > 1 else ''}{GAP}{more}${conversation.cost_usd:.6f}"


def shown(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The messages of the page: two of each turn, so that the place of one tells the turn."""
    return [
        {"role": role, "content": text}
        for turn in turns
        for role, text in (("user", turn.question), ("assistant", answer(turn)))
    ]


def answer(turn: Turn) -> str:
    """The text of an answer, with what is to be said about it."""
    below = ""
    if turn.error:
        below = f"**{'The answer broke off' if turn.answer else 'No answer'}:** {turn.error}"
    elif turn.metadata is not None:
        below = f"<small>{caption(turn.metadata)}</small>"
    return "\n\n".join(part for part in (turn.answer, below) if part) or "…"
