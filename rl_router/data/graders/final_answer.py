"""Where a reply says its answer: in <answer> tags, in a box, after ####, or after `Answer:`; else the whole reply."""

from __future__ import annotations

import re

TAGS = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
THOUGHT_ENDS = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
HASHES = re.compile(r"^####[ \t]*(.+)$", re.MULTILINE)
# `Answer: x`, `**Final answer:** x`, `The answer is x`, and a heading `Answer:` with x on the next line
MARK = re.compile(
    r"(?:(?:^|[\n.!?;,*_#(])[ \t*_#>]*(?:final[ \t]+|correct[ \t]+)?answer[ \t*_]*:"
    r"|\banswer(?:[ \t]+\w+){0,3}?[ \t]+is[ \t*_]*:?)[ \t*_]*\n?[ \t]*(\S[^\n]*)",
    re.IGNORECASE,
)
BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
FENCE = re.compile(r"^```[^\n]*\n(.*?)\n```$", re.DOTALL)


def final_answer(response: str) -> str:
    """The answer that `response` marks, or all of it, thoughts before `</think>` left out."""
    return marked_answer(response) or unwrapped(without_thoughts(response))


def marked_answer(response: str) -> str | None:
    """The last answer that is marked as one, None when nothing is."""
    text = without_thoughts(response)
    if tags := TAGS.findall(text):
        return unwrapped(tags[-1])
    box = boxed(text)
    if box is not None:
        return unwrapped(box)
    if hashes := HASHES.findall(text):
        return unwrapped(hashes[-1])
    marks = MARK.findall(text)
    return unwrapped(marks[-1]) if marks else None


def without_thoughts(response: str) -> str:
    return THOUGHT_ENDS.split(response)[-1]


def boxed(text: str) -> str | None:
    r"""What the last \boxed{…} with matching braces holds."""
    for start in reversed([match.end() for match in BOX.finditer(text)]):
        depth = 1
        for end in range(start, len(text)):
            depth += (text[end] == "{") - (text[end] == "}")
            if depth == 0:
                return text[start:end]
    return None


def unwrapped(text: str) -> str:
    """Without the marks around a short answer: spaces, emphasis, code marks, quotes."""
    text = text.strip()
    fenced = FENCE.match(text)
    text = fenced.group(1) if fenced else text
    return text.strip(" \t\r\n*_`\"'“”‘’") or text
