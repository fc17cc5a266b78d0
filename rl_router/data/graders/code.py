"""Code that must pass unit tests, run in the sandbox. A reply is prose with code in it, or code.

`meta["tests"]` of a question is one of

    {"kind": "asserts", "code": "assert f(1) == 2", "function": "f", "before": "import math", "opening": "def f(x):"}
    {"kind": "calls", "function": "f", "cases": [{"arguments": [1], "result": 2}]}
    {"kind": "stdin", "cases": [{"input": "1\\n", "output": "2\\n"}]}

`before` is what a question gives beside the function (imports, other functions). Where the question is the beginning
of a function (`opening`), a reply may be the rest of it.
"""

from __future__ import annotations

import re
import textwrap

from rl_router.data.graders.final_answer import without_thoughts
from rl_router.data.graders.sandbox import Verdict, run_tests
from rl_router.types import Query

FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
OPEN_FENCE = re.compile(r"^[ \t]*```[ \t]*[\w+-]*[^\n]*\n(.*)\Z", re.DOTALL | re.MULTILINE)
PYTHON = {"", "py", "python", "python3"}


def grade_code(response: str, query: Query) -> float | None:
    """1.0 when the program in the reply passes every test of the question."""
    tests = query.meta.get("tests")
    if not isinstance(tests, dict):
        return None
    program = program_of(response, tests)
    if not program.strip():
        return 0.0
    return 1.0 if run_tests(program, tests) is Verdict.PASSED else 0.0


def program_of(response: str, tests: dict[str, str]) -> str:
    """The whole program: what the question gives, then the reply's code."""
    function = tests.get("function") or ""
    code = code_of(response, function)
    opening = tests.get("opening")
    defines = re.search(rf"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+{re.escape(function)}\b", code, re.MULTILINE)
    if opening and not defines and code.strip():
        body = code if code[:1] in (" ", "\t") else textwrap.indent(code, "    ")
        return f"{opening.rstrip()}\n{body}\n"
    before = tests.get("before")
    return f"{before}\n\n{code}" if before else code


def code_of(response: str, function: str = "") -> str:
    """The last fenced block that defines `function`, else the last one; without a fence, all of the reply."""
    text = without_thoughts(response)
    blocks = [code for language, code in FENCE.findall(text) if language.lower() in PYTHON]
    if not blocks:
        opened = OPEN_FENCE.search(text)  # cut off before the fence was closed
        return opened.group(1) if opened else text
    defining = [code for code in blocks if function and re.search(rf"\bdef[ \t]+{re.escape(function)}\b", code)]
    return textwrap.dedent((defining or blocks)[-1])
