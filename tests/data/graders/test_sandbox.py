"""Each program tries to do what it must not, and passes only when it was refused."""

import os
import socket
import sys

import pytest

from rl_router.data.graders import sandbox
from rl_router.data.graders.sandbox import Limits, Verdict, run_tests
from rl_router.data.graders.sandbox_child import AARCH64, MACHINES, X86_64
from rl_router.errors import RunError

TESTS = {"kind": "asserts", "code": "assert refused"}


def tries(action, error="PermissionError", **names):
    given = [f"{name} = {value!r}" for name, value in names.items()]
    lines = ["import os, socket, subprocess", *given, "refused = False", "try:", f"    {action}", f"except {error}:"]
    return "\n".join([*lines, "    refused = True"])


@pytest.mark.parametrize(
    "action",
    [
        "os.fork()",
        "subprocess.run(['/bin/true'])",
        "os.system('true') == 0 or os.kill(0, 0)",
        "os.kill(os.getppid(), 0)",
    ],
)
def test_no_process_is_started_and_none_is_signalled(action):
    assert run_tests(tries(action), TESTS) is Verdict.PASSED


def test_a_server_on_this_machine_cannot_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        program = tries("socket.create_connection(('127.0.0.1', port))", port=server.getsockname()[1])
        assert run_tests(program, TESTS) is Verdict.PASSED
        with pytest.raises(TimeoutError):
            server.accept()


def test_threads_still_work():
    program = "import threading\ndone = []\nt = threading.Thread(target=done.append, args=(1,))\nt.start()\nt.join()"
    assert run_tests(f"{program}\nrefused = done == [1]", TESTS) is Verdict.PASSED


def test_files_are_written_in_the_sandbox_alone_and_stay_small(tmp_path):
    if not has_landlock():
        pytest.skip("this kernel has no Landlock, without which files outside the sandbox can be written")
    kept = tmp_path / "kept"
    kept.write_text("precious")
    for action in ("open(path, 'w')", "os.unlink(path)", "os.truncate(path, 0)", "os.rename(path, 'mine')"):
        assert run_tests(tries(action, path=str(kept)), TESTS) is Verdict.PASSED
    assert kept.read_text() == "precious"
    assert run_tests("open('here', 'w').write('x')\nrefused = True", TESTS) is Verdict.PASSED
    assert run_tests(tries("open('here', 'wb').write(b'x' * (2 << 20))", "OSError"), TESTS) is Verdict.PASSED


def has_landlock():
    import ctypes

    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0  # LANDLOCK_CREATE_RULESET_VERSION


def test_memory_is_bounded():
    assert run_tests(tries("bytearray(2 << 30)", "MemoryError"), TESTS) is Verdict.PASSED


def test_limits_cannot_be_widened():
    action = "__import__('resource').setrlimit(__import__('resource').RLIMIT_CPU, (99, 99))"
    assert run_tests(tries(action, "(ValueError, OSError)"), TESTS) is Verdict.PASSED


def test_secrets_of_the_environment_are_not_there(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    assert run_tests("import os\nrefused = 'OPENAI_API_KEY' not in os.environ", TESTS) is Verdict.PASSED


def test_a_busy_program_and_a_sleeping_one_are_ended(monkeypatch):
    monkeypatch.setattr(sandbox, "START_S", 0.0)
    assert run_tests("while True: pass", TESTS, Limits(cpu_s=1)) is Verdict.ENDED
    assert run_tests("import time\ntime.sleep(60)", TESTS, Limits(wall_s=1.0)) is Verdict.ENDED


def test_a_program_that_ends_itself_has_not_passed():
    assert run_tests("import os\nrefused = True\nos._exit(0)", TESTS) is Verdict.ENDED


def test_a_verdict_that_the_program_writes_itself_does_not_count():
    program = (
        "import os\nfor fd in range(3, 16):\n    try: os.write(fd, b'passed')\n    except OSError: pass\nos._exit(0)"
    )
    assert run_tests(program, TESTS) is Verdict.ENDED


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(sandbox.tempfile, "tempdir", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    run_tests("open('here', 'w').write('x')\nrefused = True", TESTS)
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_system_that_cannot_hold_a_program_is_an_error_and_no_verdict(monkeypatch, tmp_path):
    child = tmp_path / "child.py"
    child.write_text("import os, sys\nos.write(int(sys.argv[2]), b'unheld no seccomp filter for mips linux')")
    monkeypatch.setattr(sandbox, "CHILD", child)
    with pytest.raises(RunError, match="cannot hold a program .*mips"):
        run_tests("refused = True", TESTS)


@pytest.mark.skipif(sys.platform != "linux", reason="the system call tables are Linux's")
def test_both_machines_refuse_the_same_calls_but_the_old_ones_that_one_lacks():
    assert set(X86_64) - set(AARCH64) == {"fork", "vfork"}
    assert set(AARCH64) <= set(X86_64)
    assert set(MACHINES) == {"x86_64", "aarch64"}
