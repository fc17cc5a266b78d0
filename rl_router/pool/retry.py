"""What is worth a second try, and when: full jitter, and never before the time that the server named.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isfinite

RETRIED = (408, 409, 429)


def is_retried(status: int) -> bool:
    """Whether an HTTP status says that the same request may succeed later; a broken connection says so too."""
    return status in RETRIED or status >= 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """At most `attempts` tries. Before the n-th retry it waits up to `base_s` · 2ⁿ⁻¹, at most `cap_s`."""

    attempts: int = 6
    base_s: float = 1.0
    cap_s: float = 60.0

    def pause_s(self, retry: int, chance: float) -> float:
        """The wait before retry number `retry` (1 for the first), for `chance` uniform in [0, 1)."""
        return chance * min(self.cap_s, self.base_s * 2 ** min(retry - 1, 30))


def retry_after_s(headers: Mapping[str, str], date_s: float) -> float | None:
    """The wait that a `Retry-After` asks for, in seconds or as an HTTP date (RFC 9110, 10.2.3); None without one."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, date_s)
    return max(0.0, seconds) if isfinite(seconds) else None


def _until(value: str, date_s: float) -> float:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return float("nan")
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - date_s
