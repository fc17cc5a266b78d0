"""Is a routing table fit to learn and to measure from? Every fault at once, and what there is to gain by routing."""

from rl_router.data.checks.finding import Finding, Kind
from rl_router.data.checks.report import Report, check_file, check_frame

__all__ = ["Finding", "Kind", "Report", "check_file", "check_frame"]
