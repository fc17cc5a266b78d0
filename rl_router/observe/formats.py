"""Numbers as a reader wants them: money with three digits that count, errors as ± two standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterable

MISSING = "–"


def count(value: float | None) -> str:
    """Three decimals at most, no trailing zeros beyond two: 0.61, 0.613, 12.30."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.3f}"
    return text[:-1] if text.endswith("0") else text


def usd(value: float | None) -> str:
    """Three significant digits, never an exponent: $0.000123, $0.0450, $12.3, $0."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "$0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    sign = "-" if value < 0 else ""
    return f"{sign}${abs(value):,.{decimals}f}"


def per_thousand(cost_usd: float | None) -> str:
    """Money for a thousand queries: the size that people compare."""
    return usd(None if cost_usd is None else 1000 * cost_usd)


def plus_minus(value: float | None, error: float | None, digits: int = 3) -> str:
    """`0.613 ± 0.040`: two standard errors, about 95 %."""
    if value is None:
        return MISSING
    spread = "" if error is None else f" ± {2 * error:.{digits}f}"
    return f"{value:.{digits}f}{spread}".replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign; the minus is the typographic one, as wide as the plus."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]  # what rounds to nothing has no sign


class Budget(float):
    """A setting of the dial that is an amount in USD and no cost weight; words and tables say which."""


def cost_weight(value: float | None) -> str:
    """A setting of the dial by itself: 0.5, or $0.00200 for a budget."""
    if value is None:
        return MISSING
    return usd(value) if isinstance(value, Budget) else f"{value:g}"


def dial_name(values: Iterable[float | None]) -> str:
    """What the settings are called in a heading: λ, or budget."""
    return "budget" if any(isinstance(value, Budget) for value in values) else "λ"


def setting(value: float | None) -> str:
    """A setting of the dial with its name: `λ = 0.5`, `budget = $0.00200`."""
    return f"{dial_name([value])} = {cost_weight(value)}"


def seconds(value: float) -> str:
    """`0:42`, `12:03`, `1:02:09`."""
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
