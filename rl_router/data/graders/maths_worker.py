"""The process behind the maths grader, which starts it: one JSON line in per comparison, one out."""

from __future__ import annotations

import contextlib
import json
import resource
import sys

MEMORY_BYTES = 4 << 30


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    replies = sys.stdout
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):  # a library's print is no reply
            request = json.loads(line)
            score = compare(request["given"], request["answers"], request["marked"])
        replies.write(json.dumps({"score": score}) + "\n")
        replies.flush()


def compare(given: str, answers: list[str], marked: bool) -> float | None:
    """1.0 when `given` equals one of `answers`; None when an error, a timeout or a lack of memory left it undecided."""
    from math_verify import parse, verify

    undecided = False
    for answer in answers:
        try:
            right = parse(f"\\boxed{{{answer}}}", parsing_timeout=5, raise_on_error=True)
            found = parse(f"\\boxed{{{given}}}" if marked else given, parsing_timeout=5, raise_on_error=True)
            if right and found and verify(right, found, timeout_seconds=5, raise_on_error=True):
                return 1.0
        except (Exception, MemoryError, RecursionError):  # what sympy raises on odd texts has no common base
            undecided = True
    return None if undecided else 0.0


if __name__ == "__main__":
    main()
