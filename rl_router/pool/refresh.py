"""The command behind scripts/refresh_prices.py: show what would change, and write it when asked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rl_router.errors import RouterError
from rl_router.pool.litellm_client import litellm_module
from rl_router.pool.prices import refreshed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Prices of pool files, brought up to date with litellm's table.")
    parser.add_argument("files", type=Path, nargs="+", metavar="POOL.yaml")
    parser.add_argument("--write", action="store_true", help="change the files; without it only the diff is shown")
    args = parser.parse_args(arguments)
    try:
        table = litellm_module().model_cost
        source = f"litellm {version('litellm')}, model_prices_and_context_window_backup.json"
        today = datetime.now(UTC).date().isoformat()
        found = [refreshed(path, table, date=today, source=source) for path in args.files]
    except RouterError as error:
        print(f"refresh_prices: {error}", file=sys.stderr)
        return error.exit_code
    for result in found:
        print(result.diff or f"{result.path}: no price differs", end="" if result.diff else "\n")
        if result.unknown:
            print(f"{result.path}: not in litellm's table, left as they are: {', '.join(result.unknown)}")
        if args.write and result.diff:
            result.write()
    return 0
