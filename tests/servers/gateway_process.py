"""`rl-router serve` as a process of its own, which is killed when a test is done with it, or after a while."""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx

SUM = [{"role": "user", "content": "sum sum number3"}]
LIMIT_S = 180


@contextmanager
def serving(run, pool, upstream, log, *changes):
    """(process, base URL) of `rl-router serve`."""
    command = [
        sys.executable, "-m", "rl_router.cli", "serve", str(run), f"pool={pool}", f"endpoint={upstream.url}", "port=0",
        f"log={log}", *changes,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        timer = threading.Timer(LIMIT_S, process.kill)
        timer.start()
        try:
            line = process.stderr.readline()
            found = re.search(r"http://\S+", line)
            assert found, line
            yield process, found[0]
        finally:
            timer.cancel()
            process.kill()


def ask(url, **body):
    return httpx.post(f"{url}/chat/completions", json={"model": "auto", "messages": SUM} | body, timeout=30)
