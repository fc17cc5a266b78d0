import pytest

from rl_router.data.graders import grade
from rl_router.data.graders.code import code_of, program_of

INCREMENT = {"kind": "asserts", "code": "assert f(1) == 2\nassert f(-1) == 0", "function": "f"}
RIGHT = "def f(x):\n    return x + 1\n"


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        (RIGHT, 1.0),
        (f"Here it is:\n```python\n{RIGHT}```\nIt adds one.", 1.0),
        (f"```python\n{RIGHT}```\nTry it:\n```python\nprint(f(1))\n```", 1.0),
        (f"```\n{RIGHT}", 1.0),  # cut off before the fence was closed
        (f"<think>```python\ndef f(x): return x\n```</think>```py\n{RIGHT}```", 1.0),
        ("1. Like this:\n   ```python\n   def f(x):\n       return x + 1\n   ```", 1.0),
        ("```python\ndef f(x):\n    return abs(x) + 1\n```", 0.0),
        ("```python\ndef g(x):\n    return x + 1\n```", 0.0),
        ("def f(x) return x + 1", 0.0),
        ("import sys\nsys.exit(0)", 0.0),
        ("import os\nos._exit(0)", 0.0),
        ("I cannot do that.", 0.0),
        ("", 0.0),
    ],
)
def test_a_reply_is_right_when_its_code_passes_every_test(reply, score, question):
    assert grade("code", reply, question("x", meta={"tests": INCREMENT})) == score


def test_a_question_without_tests_is_not_graded(question):
    assert grade("code", RIGHT, question("x")) is None


def test_the_rest_of_a_function_is_put_below_its_opening():
    tests = {"opening": 'def f(x):\n    """Add one."""\n', "function": "f"}
    assert program_of("    return x + 1\n", tests) == 'def f(x):\n    """Add one."""\n    return x + 1\n\n'
    assert program_of("return x + 1", tests) == 'def f(x):\n    """Add one."""\n    return x + 1\n'
    assert program_of(RIGHT, tests | {"before": "import math"}) == f"import math\n\n{RIGHT}"


def test_of_several_blocks_the_last_that_defines_the_function_counts_and_no_other_language():
    reply = "```python\ndef f(): 1\n```\n```python\ndef f(): 2\n```\n```bash\ndef f(): 3\n```\n```python\nf()\n```"
    assert code_of(reply, "f") == "def f(): 2\n"
    assert code_of(reply) == "f()\n"


def test_programs_that_read_and_print(question):
    tests = {"kind": "stdin", "cases": [{"input": "2 3\n", "output": "5"}, {"input": "1 1", "output": "2\n"}]}
    asked = question(meta={"tests": tests})
    assert grade("code", "a, b = map(int, input().split())\nprint(a + b)", asked) == 1.0
    assert grade("code", "print(sum(map(int, open(0).read().split())), '')", asked) == 1.0
    assert grade("code", "import sys\nprint(len(sys.stdin.buffer.read()))", asked) == 0.0
    assert grade("code", "print(5)", asked) == 0.0


def test_methods_that_are_called_with_arguments(question):
    cases = [{"arguments": [[1, 2], 1], "result": [2, 3]}, {"arguments": [[], 5], "result": []}]
    asked = question(meta={"tests": {"kind": "calls", "function": "add", "cases": cases}})
    assert (
        grade("code", "class Solution:\n    def add(self, xs, n):\n        return tuple(x + n for x in xs)", asked)
        == 1.0
    )
    assert grade("code", "def add(xs, n):\n    return [x + n for x in xs]", asked) == 1.0
    assert grade("code", "def add(xs, n):\n    return xs", asked) == 0.0
