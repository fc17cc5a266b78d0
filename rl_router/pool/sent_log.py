"""Which calls went out, in a file that outlives `kill -9`: what was on its way when a process ended has a name.

A line is in the file before its call is on the wire. It is one write to the system, which needs no commit and no wait,
so that it costs a call next to nothing. A power cut may take the last lines.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from pathlib import Path

from rl_router.errors import PoolError


class SentLog:
    """One process at a time: whoever comes second is refused, because it would take calls in flight for lost ones."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise PoolError(f"{path} cannot be opened ({error.strerror}); name another folder.") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise PoolError(
                f"Another process is filling {path.parent}; wait for it, or give this one a run_dir of its own."
            ) from None

    def counts(self, run: str) -> Counter[tuple[str, str]]:
        """How often each request of a run went out, by its key and model."""
        lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        sent = (line.split(" ", 2) for line in lines if line.startswith(f"{run} "))
        return Counter((parts[1], parts[2]) for parts in sent if len(parts) == 3)

    def add(self, run: str, key: str, model: str) -> None:
        try:
            os.write(self._file, f"{run} {key} {model}\n".encode())
        except OSError as error:
            raise PoolError(f"{self.path} cannot be written ({error.strerror}); free space and run again.") from None

    def close(self) -> None:
        os.close(self._file)
