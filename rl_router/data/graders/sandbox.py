"""Runs a model's program against unit tests in a process of its own, and says whether they all passed.

What holds it, in the child before its first line runs: no new process and no socket (seccomp), no signal to others,
limits on processor time, memory, file size and open files, an empty environment, an empty folder of its own, writing
outside that folder refused where the kernel has Landlock, and a wall clock that ends it.

What this does not protect against: the program can read every file that you can read; it shares the kernel, so a
kernel bug is an escape; it can use its share of processor and memory until a limit ends it; and it runs in the
interpreter that runs the tests, so a program written to cheat (rather than merely wrong) can pass tests it should
fail. Grade the work of attackers in a virtual machine instead.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rl_router.errors import RunError

CHILD = Path(__file__).with_name("sandbox_child.py")
START_S = 10.0
"""Added to the wall clock for starting an interpreter on a busy machine; it is no processor time of the program."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`cpu_s` bounds all tests of a program together; `wall_s` also bounds one that sleeps."""

    cpu_s: int = 10
    wall_s: float = 30.0
    memory_bytes: int = 1 << 30
    file_bytes: int = 1 << 20
    open_files: int = 32


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"  # a test failed or the program raised
    ENDED = "ended"  # it ran into a limit, or ended the process before the tests were through


def run_tests(program: str, tests: Mapping[str, Any], limits: Limits = Limits()) -> Verdict:
    """Run `program` against `tests` (see `code.py`). Raises RunError where this system cannot hold a program."""
    with tempfile.TemporaryDirectory(prefix="rl-router-sandbox-") as folder:
        token = secrets.token_hex(16)
        request = {"program": program, "tests": dict(tests), "limits": asdict(limits), "token": token}
        verdict = _child_says(json.dumps(request), Path(folder), limits)
    said, _, word = verdict.partition(" ")
    if said == "unheld":
        raise RunError(f"This system cannot hold a program ({word}); grade code on Linux with seccomp.")
    return Verdict(word) if said == token and word in ("passed", "failed") else Verdict.ENDED


def _child_says(request: str, folder: Path, limits: Limits) -> str:
    """What the child wrote to its pipe of verdicts, nothing when it was ended."""
    home = str(folder)
    verdicts, write_end = os.pipe()
    payload = folder / "request.json"
    payload.write_text(request, encoding="utf-8", errors="surrogatepass")
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-B", str(CHILD), str(payload), str(write_end)],
            cwd=folder,
            env={"HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(write_end,),
            start_new_session=True,
        )
        os.close(write_end)
        write_end = -1
        try:
            child.wait(limits.wall_s + START_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return ""
        return os.read(verdicts, 4096).decode("utf-8", "replace")
    finally:
        os.close(verdicts)
        if write_end >= 0:
            os.close(write_end)
