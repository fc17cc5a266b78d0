"""`data collect`: every model of a pool on every question, graded and priced, as one routing table."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from rl_router.cli.parts import Commands, add_step


def add(commands: Commands) -> None:
    text = "ask every model of a pool every question, grade and price the answers, write a routing table"
    collect = add_step(commands, "collect", collect_command, text, example="queries=FILE budget_usd=5 pool.mode=replay")
    collect.add_argument("--json", action="store_true", help="the summary as JSON")


def collect_command(args: argparse.Namespace) -> None:
    from rl_router.pipeline.cells import PASSING
    from rl_router.pipeline.collect import CollectJob, collect
    from rl_router.recipe import load_step
    from rl_router.types import CallStatus

    job = load_step(CollectJob, args.recipe, args.changes, folder="collect")
    done = collect(job)
    if args.json:
        print(json.dumps(asdict(done), default=str, indent=2))
    else:
        from rl_router.observe.formats import seconds, usd

        print(f"table   {done.table}")
        print(f"cells   {done.cells}, {done.graded} graded, {done.asked} of them asked now in {seconds(done.asking_s)}")
        print(f"status  {', '.join(f'{count} {status}' for status, count in done.statuses.items())}")
        print(f"paid    {usd(done.paid_usd)} in this run")
        failed = sum(done.statuses.get(status.value, 0) for status in PASSING)
        if failed:
            print(f"        {failed} cells failed in a way that may pass; retry_failed=true asks them again")
        if done.commonest_failure:
            print(f"        most of those without an answer: {done.commonest_failure}")
        if done.unknown_attempts:
            print(f"        {done.unknown_attempts} attempts brought no count, and providers may have billed them:")
            back = done.unknown_attempts - done.interrupted_attempts
            print(
                f"        {back} came back without one, {done.interrupted_attempts} were lost with a process that ended"
            )
    if CallStatus.OK.value not in done.statuses and CallStatus.OVER_BUDGET.value not in done.statuses:
        from rl_router.errors import PoolError

        raise PoolError(f"No model answered any question: {done.commonest_failure}")
    if CallStatus.OVER_BUDGET.value in done.statuses:
        from rl_router.errors import BudgetExceededError

        raise BudgetExceededError(
            f"{done.statuses['over_budget']} cells were not asked: another call could pass the budget of"
            f" {job.budget_usd:g} USD; raise budget_usd and run again to go on."
        )
