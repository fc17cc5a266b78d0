"""Instructions that a program can check, as IFEval states them (https://arxiv.org/abs/2311.07911, strict, per prompt).

`meta["instructions"]` is a list of {"id": "punctuation:no_comma", …arguments}. A reply scores 1.0 when it follows every
one. Words and sentences are counted by regular expressions where IFEval uses nltk, so counts may differ by a few at
abbreviations. The language check needs `langdetect`; without it a reply that follows all else is not graded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from rl_router.errors import DataError
from rl_router.types import Query

Check = Callable[[str, Mapping[str, Any]], bool | None]
CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
SENTENCE_END = re.compile(r"(?<!\b[A-Z])(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bvs)[.!?]+[\"'”’)\]*]*(?=\s|$)")


def grade_instructions(response: str, query: Query) -> float | None:
    """1.0 when every instruction is followed, None when one cannot be checked here and no other is broken.

    With `meta["partly"]` the mean of that and of the share that is followed, which is LiveBench's score.
    """
    instructions = query.meta.get("instructions")
    if not isinstance(instructions, list) or not instructions:
        return None
    if not response.strip():
        return 0.0
    followed = [follows(response, instruction) for instruction in instructions]
    if query.meta.get("partly"):
        share = sum(map(bool, followed)) / len(followed)
        return None if None in followed else (share + (share == 1.0)) / 2
    if False in followed:
        return 0.0
    return None if None in followed else 1.0


def follows(response: str, instruction: Mapping[str, Any]) -> bool | None:
    """Whether `response` does what one instruction asks, None when nobody here can say."""
    check = CHECKS.get(str(instruction.get("id")))
    if check is None:
        raise DataError(
            f"There is no check for the instruction {instruction.get('id')!r}; there are {', '.join(CHECKS)}."
        )
    return check(response, instruction)


def compares(count: int, relation: str | None, bound: Any) -> bool:
    """IFEval knows two relations; without one, `at least` is meant."""
    return count < int(bound) if relation == "less than" else count >= int(bound)


def words(text: str) -> list[str]:
    return re.findall(r"\w+(?:['’-]\w+)*", text)


def _existence(text: str, given: Mapping[str, Any]) -> bool:
    return all(re.search(re.escape(word), text, re.IGNORECASE) for word in given["keywords"])


def _frequency(text: str, given: Mapping[str, Any]) -> bool:
    count = len(re.findall(re.escape(given["keyword"]), text, re.IGNORECASE))
    return compares(count, given.get("relation"), given["frequency"])


def _forbidden(text: str, given: Mapping[str, Any]) -> bool:
    return not any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in given["forbidden_words"])


def _letters(text: str, given: Mapping[str, Any]) -> bool:
    return compares(text.lower().count(given["letter"].lower()), given.get("let_relation"), given["let_frequency"])


def _language(text: str, given: Mapping[str, Any]) -> bool | None:
    try:
        from langdetect import DetectorFactory, LangDetectException, detect
    except ImportError:
        return None
    DetectorFactory.seed = 0  # its guesses are drawn at random otherwise
    try:
        return bool(detect(text) == given["language"])
    except LangDetectException:
        return None


def _sentences(text: str, given: Mapping[str, Any]) -> bool:
    parts = [part for part in SENTENCE_END.split(text) if words(part)]
    return compares(len(parts), given.get("relation"), given["num_sentences"])


def _words(text: str, given: Mapping[str, Any]) -> bool:
    return compares(len(words(text)), given.get("relation"), given["num_words"])


def _paragraphs(text: str, given: Mapping[str, Any]) -> bool:
    parts = [part.strip() for part in re.split(r"\s?\*\*\*\s?", text)]
    inner = parts[1:-1]
    return all(inner) and sum(bool(part) for part in parts) == int(given["num_paragraphs"])


def _first_word(text: str, given: Mapping[str, Any]) -> bool:
    parts = [part for part in re.split(r"\n\n", text) if part.strip()]
    nth = int(given["nth_paragraph"])
    if len(parts) != int(given["num_paragraphs"]) or nth > len(parts):
        return False
    found = re.match(r"[\"'“‘]*([^\s.,?!'\"”’]+)", parts[nth - 1].strip())
    return found is not None and found.group(1).lower() == given["first_word"].lower()


def _placeholders(text: str, given: Mapping[str, Any]) -> bool:
    return len(re.findall(r"\[[^\[\]\n]*\]", text)) >= int(given["num_placeholders"])


def _postscript(text: str, given: Mapping[str, Any]) -> bool:
    letters = [letter for letter in given["postscript_marker"].lower() if letter.isalpha()]
    dotted = {"ps": r"p\.\s?s\.", "pps": r"p\.\s?p\.\s?s"}.get("".join(letters))
    return re.search(dotted or re.escape(given["postscript_marker"].lower()), text.lower()) is not None


def _bullets(text: str, given: Mapping[str, Any]) -> bool:
    return len(re.findall(r"^\s*(?:\*(?!\*)|-).*$", text, re.MULTILINE)) == int(given["num_bullets"])


def _constrained(text: str, given: Mapping[str, Any]) -> bool:
    return any(option in text for option in CONSTRAINED)


def _highlights(text: str, given: Mapping[str, Any]) -> bool:
    found = re.findall(r"\*\*([^\n*]+)\*\*|\*([^\n*]+)\*", text)
    return sum(bool((bold or plain).strip()) for bold, plain in found) >= int(given["num_highlights"])


def _sections(text: str, given: Mapping[str, Any]) -> bool:
    heads = re.findall(rf"\s?{re.escape(given['section_spliter'])}\s?\d+\s?", text)
    return len(heads) >= int(given["num_sections"])


def _json(text: str, given: Mapping[str, Any]) -> bool:
    bare = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip(), flags=re.IGNORECASE)
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return True


def _title(text: str, given: Mapping[str, Any]) -> bool:
    return any(title.strip(" <>") for title in re.findall(r"<<([^<>\n]+)>>", text))


def _two_responses(text: str, given: Mapping[str, Any]) -> bool:
    parts = text.split("******")
    inner = [part for i, part in enumerate(parts) if part.strip() or 0 < i < len(parts) - 1]
    return len(inner) == 2 and all(part.strip() for part in inner) and inner[0].strip() != inner[1].strip()


def _repeats(text: str, given: Mapping[str, Any]) -> bool:
    return text.strip().lower().startswith(given["prompt_to_repeat"].strip().lower())


def _ends(text: str, given: Mapping[str, Any]) -> bool:
    return text.strip().strip('"').lower().endswith(given["end_phrase"].strip().lower())


def _capital_words(text: str, given: Mapping[str, Any]) -> bool:
    count = sum(word.isupper() for word in words(text))
    return compares(count, given.get("capital_relation"), given["capital_frequency"])


def _quoted(text: str, given: Mapping[str, Any]) -> bool:
    bare = text.strip()
    return len(bare) > 1 and bare[0] == bare[-1] == '"'


CHECKS: dict[str, Check] = {
    "keywords:existence": _existence,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _forbidden,
    "keywords:letter_frequency": _letters,
    "language:response_language": _language,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_words": _words,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": _title,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeats,
    "startend:end_checker": _ends,
    "startend:quotation": _quoted,
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": lambda text, given: text.isupper(),
    "change_case:english_lowercase": lambda text, given: text.islower(),
    "punctuation:no_comma": lambda text, given: "," not in text,
}
