"""What the person asked: the last thing that a human said, without what programs put around it.

Coding agents, retrieval templates and chat clients wrap a request in reminders, documents and tool output. A router
that reads those routes on the wrapper, which is the same for every request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 8000
"""Characters that are scored: of a longer text its beginning and its end, where requests stand."""

_ASIDE = (
    "system-reminder", "system_reminder", "environment_details", "environment_context", "context", "documents",
    "document", "file", "files", "file_content", "attachment", "attachments", "search_results", "results", "history",
    "memory", "tool_result", "tool_results", "function_results", "instructions", "user_instructions", "rules",
)  # fmt: skip
_ASKED = ("user_query", "user_request", "user_message", "query", "question", "task", "request", "prompt")
ASIDE = re.compile(rf"<({'|'.join(_ASIDE)})\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
ASKED = re.compile(rf"<({'|'.join(_ASKED)})\b[^<>]*>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)
LABEL = re.compile(
    r"^[#*\s]*(?:user\s+|final\s+|current\s+)?(?:question|query|request|task)[*\s]*:[*\s]*(?=\S)",
    re.MULTILINE | re.IGNORECASE,
)
ANSWER_CUE = re.compile(r"\n\s*(?:\W{0,2}(?:helpful |final )?(?:answer|response)\W{0,3}:?)\s*$", re.IGNORECASE)
CONTEXT_CUE = re.compile(
    r"^[#*\s]*(?:context|documents?|sources?|passages?)\b[^\n]{0,40}:", re.MULTILINE | re.IGNORECASE
)


def request_text(messages: Sequence[Any]) -> str:
    """The text to route on; empty when no message holds any. A turn of tools belongs to the request before it."""
    spoken = [text_of(m) for m in messages if isinstance(m, Mapping) and m.get("role") == "user"]
    for text in reversed(spoken):
        if asked := unwrapped(text):
            return asked
    others = (text_of(m) for m in reversed(messages) if isinstance(m, Mapping))
    return next((cut(text.strip()) for text in others if text.strip()), "")


def conversation_text(messages: Sequence[Any]) -> str:
    """The whole conversation for a policy that reads one question: who said what, or the text alone if that is all."""
    turns = [(str(m.get("role")), text_of(m)) for m in messages if isinstance(m, Mapping)]
    said = [(role, text) for role, text in turns if text.strip()]
    if len(said) == 1:
        return said[0][1].strip()
    return "\n\n".join(f"{role}: {text.strip()}" for role, text in said)


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message, whose content is text, a list of parts, or null."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | dict))
    return "\n".join(part for part in parts if isinstance(part, str))


def unwrapped(text: str) -> str:
    """`text` without the wrapper, or all of it where nothing would be left."""
    found = text
    if "<" in text:
        found = ASIDE.sub(" ", found)
        marked = ASKED.findall(found)
        if marked and marked[-1][1].strip():
            found = marked[-1][1]
    if CONTEXT_CUE.search(found):  # a template of retrieval: the question stands behind its label
        labels = list(LABEL.finditer(found))
        if labels:
            found = ANSWER_CUE.sub("", found[labels[-1].end() :])
    return cut(found.strip() or text.strip())


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n…\n{text[-LONGEST // 2 :]}"
