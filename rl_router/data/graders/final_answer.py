"""Where a reply says its answer: in <answer> tags, in a box, after ####, or after `Answer:`; else the whole reply."""

from __future__ import annotations

import re

TAG, TAG_ENDS = "<answer>", "</answer>"
THOUGHT_ENDS = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
HASHES = re.compile(r"^####[ \t]*(.+)$", re.MULTILINE)
# `Answer: x`, `**Final answer:** x`, `The answer is x`, and a heading `Answer:` with x below it. Every repetition is
# bounded: models do write a hundred thousand asterisks, and none of them may cost quadratic time.
MARK = re.compile(
    r"(?:(?:^|[\n.!?;,*_#(])[ \t*_#>]{0,8}(?:(?:final|correct)[ \t]{1,4})?answer[ \t*_]{0,8}:"
    r"|\banswer(?:[ \t]\w{1,20}){0,3}?[ \t]is\b[ \t]?:?)[\s*_]{0,16}(\S[^\n]*)",
    re.IGNORECASE,
)
BOX_OR_BRACE = re.compile(r"\\(?:boxed|fbox)\s{0,4}\{|[{}]")
FENCE = re.compile(r"^```[^\n]*\n(.*?)\n```$", re.DOTALL)


def final_answer(response: str) -> str:
    """The answer that `response` marks, or all of it, thoughts before `</think>` left out."""
    return marked_answer(response) or unwrapped(without_thoughts(response))


def marked_answer(response: str) -> str | None:
    """The last answer that is marked as one, None when nothing is."""
    text = without_thoughts(response)
    for found in (tagged(text), boxed(text)):
        if found is not None:
            return unwrapped(found)
    if hashes := HASHES.findall(text):
        return unwrapped(hashes[-1])
    marks = MARK.findall(text)
    return unwrapped(marks[-1]) if marks else None


def without_thoughts(response: str) -> str:
    return THOUGHT_ENDS.split(response)[-1]


def tagged(text: str, tag: str = TAG, tag_ends: str = TAG_ENDS) -> str | None:
    """What the last `tag` that is closed holds."""
    lower = text.lower()
    end = lower.rfind(tag_ends)
    start = lower.rfind(tag, 0, max(end, 0))
    return text[start + len(tag) : end] if start >= 0 else None


def boxed(text: str) -> str | None:
    r"""What the last \boxed{…} with matching braces holds, found in one pass."""
    open_braces: list[int | None] = []  # where the content of an open box begins, None for any other brace
    found: tuple[int, int] | None = None
    for match in BOX_OR_BRACE.finditer(text):
        if match.group() != "}":
            open_braces.append(match.end() if len(match.group()) > 1 else None)
        elif open_braces:
            start = open_braces.pop()
            if start is not None and (found is None or start > found[0]):
                found = (start, match.start())
    return text[found[0] : found[1]] if found else None


def unwrapped(text: str) -> str:
    """Without the marks around a short answer: spaces, emphasis, code marks, quotes."""
    text = text.strip()
    fenced = FENCE.match(text)
    text = fenced.group(1) if fenced else text
    return text.strip(" \t\r\n*_`\"'“”‘’") or text
