"""Start the engine that hosts a run's policy, in place of this process: python -m rl_router.serving.host_policy RUN"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from rl_router.episode.dialects import Tools
from rl_router.errors import CheckpointError, RouterError, RunError
from rl_router.observe.console import say
from rl_router.observe.run_folder import RunFolder
from rl_router.policy.engines import EngineKind, host_command
from rl_router.rl.job import read_job

PORTS = {"sglang": 30000, "vllm": 8001}
"""SGLang's own; vLLM's own, 8000, is the gateway's."""


def command_for(run: Path, engine: EngineKind, *, host: str, port: int) -> list[str]:
    """The engine's command line: the run's weights, as much context as an episode may need, and its parser.

    CheckpointError for a folder that is no run, or the run of a router without a policy.
    """
    folder = RunFolder.open(run)
    if not folder.policy.is_dir():
        raise CheckpointError(f"{run} has no policy to host: name the run of an RL-trained policy that has finished")
    job = read_job(folder.config)
    return host_command(
        engine,
        folder.policy.resolve(),
        name=run.resolve().name,
        host=host,
        port=port,
        context_tokens=job.limits.max_prompt_tokens + job.limits.max_response_tokens,
        has_tools=isinstance(job.dialect, Tools),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="host_policy.sh", description="Host the policy of a run with SGLang or vLLM.",
        epilog="What follows -- goes to the engine, such as -- --tensor-parallel-size 2",
    )  # fmt: skip
    parser.add_argument("run", type=Path, help="the run folder of an RL-trained policy")
    parser.add_argument("--engine", choices=get_args(EngineKind), default="sglang")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="30000 for sglang, 8001 for vllm, unless told")
    given = list(sys.argv[1:] if arguments is None else arguments)
    split = given.index("--") if "--" in given else len(given)
    args = parser.parse_args(given[:split])
    try:
        port = args.port or PORTS[args.engine]
        command = command_for(args.run, args.engine, host=args.host, port=port) + given[split + 1 :]
        if shutil.which(command[0]) is None:
            raise RunError(
                f"{command[0]} is not installed here: pip install 'rl-router[{args.engine}]' on a GPU machine"
            )
    except RouterError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    name = args.run.resolve().name
    say(f"a gateway finds it with engines.{name}.kind={args.engine} engines.{name}.url=http://{args.host}:{port}")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
