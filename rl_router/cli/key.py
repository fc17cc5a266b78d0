"""`key`: a new API key for a gateway, shown once, and the entry of it for the keys file."""

from __future__ import annotations

import argparse

from rl_router.cli.parts import Commands, add_command
from rl_router.errors import RecipeError


def add(commands: Commands) -> None:
    text = "make an API key for a gateway and the entry for its keys file"
    key = add_command(commands, "key", key_command, text)
    key.add_argument("name", metavar="NAME", help="whose key it is, as logs and budgets name it")
    key.add_argument("--budget-usd", type=float, metavar="USD", help="most that may be spent with it in all")
    key.add_argument("--requests-per-minute", type=float, metavar="N")
    key.add_argument("--admin", action="store_true", help="may reload the gateway")


def key_command(args: argparse.Namespace) -> None:
    import sys

    import yaml

    from rl_router.serving.accounts import checked_entries, digest, new_key

    key = new_key()
    stated = {
        "budget_usd": args.budget_usd,
        "requests_per_minute": args.requests_per_minute,
        "admin": args.admin or None,
    }
    entry = {"name": args.name, "sha256": digest(key)} | {n: v for n, v in stated.items() if v is not None}
    try:
        checked_entries([entry])
    except ValueError as error:
        raise RecipeError(f"no such key can be made: {error}") from None
    print(f"the key, which is shown only now: {key}", file=sys.stderr)
    print(yaml.safe_dump([entry], sort_keys=False), end="")
