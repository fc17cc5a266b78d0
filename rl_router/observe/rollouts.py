"""Episodes that a person can read: each as plain JSON, and of every group the best and the worst are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rl_router.observe.run_folder import RunFolder
from rl_router.types import Call, Episode

TEXT_LIMIT = 20_000
"""Characters kept of one text in `episodes.jsonl`; a worker that writes a million must not fill the disk."""


def episode_record(episode: Episode, text_limit: int | None = None) -> dict[str, Any]:
    """An episode as JSON: what was asked, said, called, paid and earned. `spans` says who wrote which characters."""
    texts = [shorten(segment.text, text_limit) for segment in episode.segments]
    return {
        "query_id": episode.query.query_id,
        "task": episode.query.task,
        "difficulty": episode.query.difficulty,
        "question": episode.query.text,
        "answers": list(episode.query.answers),
        "cost_weight": episode.cost_weight,
        "mode": str(episode.mode),
        "transcript": "".join(texts),
        "spans": [
            {"source": str(segment.source), "characters": len(text)}
            for segment, text in zip(episode.segments, texts, strict=True)
        ],
        "calls": [_call_record(call, text_limit) for call in episode.calls],
        "answer": None if episode.answer is None else shorten(episode.answer, text_limit),
        "quality": episode.quality,
        "format_ok": episode.format_ok,
        "stop": str(episode.stop),
        "cost_usd": episode.cost_usd,
        "prompt_tokens": episode.usage.prompt_tokens,
        "completion_tokens": episode.usage.completion_tokens,
        "reward": dict(episode.reward),
        "total_reward": episode.total_reward,
        "metrics": dict(episode.metrics),
    }


def record_groups(
    episodes_by_group: Mapping[str, Sequence[Episode | Mapping[str, Any]]], step: int, folder: RunFolder
) -> None:
    """Append the best and the worst episode of each group to `episodes.jsonl`.

    A group is the episodes of one prompt. Records made by `episode_record` in another process do as well as episodes.
    """
    rows = []
    for group, episodes in episodes_by_group.items():
        records = [_as_record(episode) for episode in episodes]
        for rank, record in extremes(records):
            rows.append({"step": step, "group": group, "rank": rank, "group_size": len(records), **record})
    folder.append_episodes(rows)


def record_held_out(episodes: Iterable[Episode], folder: RunFolder) -> None:
    """Write the best and the worst episode of each task, difficulty and cost weight to `held_out.jsonl`, anew."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for episode in episodes:
        name = f"{episode.query.task} {episode.query.difficulty} at {episode.cost_weight:g}"
        groups.setdefault(name, []).append(episode_record(episode, TEXT_LIMIT))
    folder.write_held_out(
        {"group": name, "rank": rank, "group_size": len(records), **record}
        for name, records in groups.items()
        for rank, record in extremes(records)
    )


def extremes(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """`("best", …)` and `("worst", …)` by total reward. Unscored episodes have no rank; a single scored one is best."""
    scored = [record for record in records if record["total_reward"] is not None]
    if not scored:
        return []
    ranked = sorted(scored, key=lambda record: record["total_reward"], reverse=True)
    return [("best", ranked[0])] + ([("worst", ranked[-1])] if len(ranked) > 1 else [])


def shorten(text: str, limit: int | None) -> str:
    """The beginning and the end of a long text, with what was left out said in the middle."""
    if limit is None or len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} […{len(text) - 2 * half:,} characters left out…] {text[-half:]}"


def _as_record(episode: Episode | Mapping[str, Any]) -> Mapping[str, Any]:
    return episode_record(episode, TEXT_LIMIT) if isinstance(episode, Episode) else episode


def _call_record(call: Call, text_limit: int | None) -> dict[str, Any]:
    return {
        "model": call.model,
        "query": shorten(call.query, text_limit),
        "reply": shorten(call.reply.text, text_limit),
        "status": str(call.reply.status),
        "earlier": [str(attempt.status) for attempt in call.reply.earlier],
        "score": call.reply.score,
        "cost_usd": call.cost_usd,
        "prompt_tokens": call.reply.usage.prompt_tokens,
        "completion_tokens": call.reply.usage.completion_tokens,
        "latency_s": call.reply.latency_s,
        "from_cache": call.reply.from_cache,
    }
