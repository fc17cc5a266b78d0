"""The child of `sandbox.py`: gives up its rights, runs the tests, writes one verdict. It imports nothing of rl_router.

Seccomp and Landlock are reached through ctypes: both are a handful of system calls, and neither has a Python binding
that every Linux carries.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import platform
import resource
import struct
import sys
from typing import Any

# System calls that leave the sandbox: sockets and what can open one, new processes and programs, signals to others,
# other processes' memory, wider limits, the kernel's own tables, and truncate, which old
# Landlocks miss. Numbers: asm/unistd_64.h and asm-generic/unistd.h.
X86_64 = {
    "socket": 41, "fork": 57, "vfork": 58, "execve": 59, "kill": 62, "truncate": 76, "ptrace": 101, "setrlimit": 160,
    "mount": 165, "tkill": 200, "tgkill": 234, "unshare": 272, "perf_event_open": 298, "prlimit64": 302, "setns": 308,
    "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321, "execveat": 322, "userfaultfd": 323,
    "pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_getfd": 438,
}  # fmt: skip
AARCH64 = {
    "mount": 40, "truncate": 45, "unshare": 97, "ptrace": 117, "kill": 129, "tkill": 130, "tgkill": 131,
    "setrlimit": 164, "socket": 198, "execve": 221, "perf_event_open": 241, "prlimit64": 261, "setns": 268,
    "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280, "execveat": 281, "userfaultfd": 282,
    "pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_getfd": 438,
}  # fmt: skip
MACHINES = {"x86_64": (0xC000003E, X86_64, 56), "aarch64": (0xC00000B7, AARCH64, 220)}  # audit id, calls, clone
CLONE3, CLONE_THREAD, X32_CALLS = 435, 0x00010000, 0x40000000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # of linux/bpf_common.h
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38  # EPERM; ENOSYS lets libc fall back to clone
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
WRITES = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))  # Landlock's rights to write, remove and make


def main() -> None:
    path, descriptor = sys.argv[1], int(sys.argv[2])
    with open(path, encoding="utf-8", errors="surrogatepass") as file:
        request = json.load(file)
    os.unlink(path)
    try:
        hold(request["limits"])
    except OSError as error:
        os.write(descriptor, f"unheld {error}".encode())
        return
    verdict = "passed" if passes(request["program"], request["tests"]) else "failed"
    os.write(descriptor, f"{request['token']} {verdict}".encode())
    os._exit(0)  # threads and exit hooks of the program have no say any more


def hold(limits: dict[str, Any]) -> None:
    """Give up rights for good. OSError where the system has no way to refuse sockets and processes."""
    bounds = {
        resource.RLIMIT_CPU: limits["cpu_s"],
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, bound in bounds.items():
        resource.setrlimit(kind, (bound, bound))
    if platform.machine() not in MACHINES or sys.platform != "linux":
        raise OSError(f"no seccomp filter for {platform.machine()} {sys.platform}")
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    write_only_here(libc)
    instructions = b"".join(struct.pack("HBBI", *step) for step in seccomp_filter(*MACHINES[platform.machine()]))
    buffer = ctypes.create_string_buffer(instructions)
    program = struct.pack("HxxxxxxQ", len(instructions) // 8, ctypes.addressof(buffer))
    _check(libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.create_string_buffer(program), 0, 0))


def seccomp_filter(audit_id: int, calls: dict[str, int], clone: int) -> list[tuple[int, int, int, int]]:
    """A BPF program over struct seccomp_data: number at 0, architecture at 4, the first argument at 16."""
    steps = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, audit_id), (RETURN, 0, 0, REFUSE), (LOAD, 0, 0, 0)]
    steps += [(AT_LEAST, 0, 1, X32_CALLS), (RETURN, 0, 0, REFUSE)]
    steps += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, UNKNOWN)]
    for number in sorted(calls.values()):
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    steps += [(EQUAL, 0, 3, clone), (LOAD, 0, 0, 16), (ANY_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, REFUSE)]
    return [*steps, (RETURN, 0, 0, ALLOW)]


def write_only_here(libc: Any) -> None:
    """Landlock: read anywhere, write below the working folder. A kernel without it is why the docs say so."""
    attribute = ctypes.create_string_buffer(struct.pack("Q", WRITES))
    ruleset = libc.syscall(444, attribute, 8, 0)
    if ruleset < 0:
        return
    here = os.open(".", os.O_PATH | os.O_DIRECTORY)
    rule = ctypes.create_string_buffer(struct.pack("=Qi", WRITES, here))
    _check(libc.syscall(445, ruleset, 1, rule, 0))
    _check(libc.syscall(446, ruleset, 0))
    os.close(here)
    os.close(ruleset)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def passes(program: str, tests: dict[str, Any]) -> bool:
    run = {"asserts": run_asserts, "stdin": run_stdin, "calls": run_calls}[tests["kind"]]
    try:
        return run(program, tests)
    except BaseException:  # SystemExit and KeyboardInterrupt of the program are failures too
        return False


def run_asserts(program: str, tests: dict[str, Any]) -> bool:
    """The program, then test code that raises when something is wrong."""
    names: dict[str, Any] = {"__name__": "__solution__"}
    exec(compile(program, "solution.py", "exec"), names)
    exec(compile(tests["code"], "tests.py", "exec"), names)
    return True


def run_calls(program: str, tests: dict[str, Any]) -> bool:
    """A function, or a method of `class Solution`, called with each case's arguments."""
    names: dict[str, Any] = {"__name__": "__solution__"}
    exec(compile(program, "solution.py", "exec"), names)
    name = tests["function"]
    for case in tests["cases"]:
        function = getattr(names["Solution"](), name) if "Solution" in names else names[name]
        result = function(*case["arguments"])
        if json.loads(json.dumps(result)) != case["result"]:
            return False
    return True


def run_stdin(program: str, tests: dict[str, Any]) -> bool:
    """The program as a script, once per case; what it prints must agree line by line, spaces at line ends aside."""
    code = compile(program, "solution.py", "exec")
    return all(_lines(_output(code, case["input"])) == _lines(case["output"]) for case in tests["cases"])


def _output(code: Any, text: str) -> str:
    with open("input", "w", encoding="utf-8") as file:
        file.write(text)
    descriptor = os.open("input", os.O_RDONLY)
    if descriptor != 0:  # it is 0 when the program has closed its own open(0)
        os.dup2(descriptor, 0)
        os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (not ours to close)
    written = io.BytesIO()
    sys.stdout = wrapper = io.TextIOWrapper(written, encoding="utf-8", write_through=True)
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    finally:
        wrapper.flush()
        sys.stdout = sys.__stdout__
    return written.getvalue().decode("utf-8", "replace")


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


if __name__ == "__main__":
    main()
