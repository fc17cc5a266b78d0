"""`export`: a run's policy as a Hugging Face folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from rl_router.cli.parts import Commands, add_command


def add(commands: Commands) -> None:
    export = add_command(commands, "export", export_command, "write a trained policy as a Hugging Face folder")
    export.add_argument("run", metavar="RUN", type=Path, help="a run folder that `rl-router train` has written")
    export.add_argument("folder", metavar="FOLDER", type=Path, help="where to: a new folder, or an earlier export")
    export.add_argument("--step", type=int, metavar="N", help="the checkpoint of step N instead of the finished policy")


def export_command(args: argparse.Namespace) -> None:
    from rl_router.observe.console import say
    from rl_router.rl.export import export_policy

    say(f"wrote {export_policy(args.run, args.folder, step=args.step)}")
