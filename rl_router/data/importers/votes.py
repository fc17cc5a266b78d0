"""Votes between two models, as in Chatbot Arena and MT-Bench's human judgements, as a table that knows its users.

A JSON line has `model_a`, `model_b`, `winner` (model_a, model_b or a tie), `judge` (who voted), `conversation_a` and
`conversation_b` (OpenAI messages), perhaps `question_id` and `turn` (1, 2 …: which turn was judged, the last unless
told). Source: lmsys/chatbot_arena_conversations and lmsys/mt_bench_human_judgments on the Hugging Face hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rl_router.data.importers.sources import files_in, json_lines
from rl_router.data.interactions import sessions_table
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError

SIDES = ("model_a", "model_b")


def read_table(paths: Sequence[Path]) -> RoutingTable:
    files = files_in(paths, (".jsonl",), "JSON lines of votes")
    votes = ((f"line {number} of {file}", line) for file in files for number, line in json_lines(file))
    sessions = [(where, _session(vote, number, where)) for number, (where, vote) in enumerate(votes)]
    return sessions_table(sessions, where=f"votes {paths[0]}")


def _session(vote: Mapping[str, Any], number: int, where: str) -> dict[str, Any]:
    """A vote is a session of one judged turn: what came before it is not rated."""
    models, winner = [vote.get(side) for side in SIDES], vote.get("winner")
    if not all(isinstance(model, str) and model for model in models) or models[0] == models[1]:
        raise DataError(f"Expected two models in {where}, got {models[0]!r} and {models[1]!r}.")
    if winner not in SIDES and not str(winner).startswith("tie"):
        raise DataError(f"Expected model_a, model_b or a tie as the winner in {where}, got {winner!r}.")
    turns = [list(_turns(vote.get(f"conversation_{side[-1]}"), where)) for side in SIDES]
    judged = vote.get("turn")
    place = judged - 1 if isinstance(judged, int) and 0 < judged <= min(map(len, turns)) else min(map(len, turns)) - 1
    answers = [{"model": model, "response": talk[place][1]} for model, talk in zip(models, turns, strict=True)]
    preferred = models[SIDES.index(winner)] if winner in SIDES else None
    user = str(vote.get("judge") or "")
    if not user:
        raise DataError(f"Nobody is named as the judge in {where}; a vote without a user teaches no taste.")
    turn = {"query": turns[0][place][0], "task": "votes", "answers": answers, "preferred": preferred}
    return {"session": f"{vote.get('question_id', 'vote')}/{number}", "user": user, "turns": [turn]}


def _turns(conversation: Any, where: str) -> Iterator[tuple[str, str]]:
    """(what the user said, what the model answered) of every whole turn; there is at least one."""
    said, count = None, 0
    for message in conversation if isinstance(conversation, list) else []:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role == "user":
            said = content
        elif role == "assistant" and isinstance(said, str) and said and isinstance(content, str):
            yield said, content
            said, count = None, count + 1
    if not count:
        raise DataError(f"Expected messages of a user and an assistant in both conversations of {where}.")
