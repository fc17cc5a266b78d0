"""From the lines in a folder to every form of its report."""

from __future__ import annotations

from rl_router.evaluation.report.html import html
from rl_router.evaluation.report.summary import Summary, summary_of, to_json
from rl_router.evaluation.report.tables import csv_text, markdown
from rl_router.evaluation.suite.folder import SuiteFolder
from rl_router.evaluation.suite.results import board_of
from rl_router.observe.files import write_json, write_text


def write_reports(folder: SuiteFolder) -> Summary:
    """Write results.json, results.csv, results.md and report.html from the lines alone. suite.json only gives names and
    queries.jsonl the texts of questions."""
    described = folder.read_suite()
    played = folder.read_played()
    board = board_of(played)
    begun = {router for router, _ in played}
    silent = [f"{name} has not answered any of the queries yet." for name in described["routers"] if name not in begun]
    summary = summary_of(
        board,
        name=described["suite"]["name"],
        max_tokens=described["suite"]["max_tokens"],
        remarks=[*described["remarks"], *silent],
    )
    write_json(folder.results, to_json(summary))
    write_text(folder.csv, csv_text(summary))
    write_text(folder.markdown, markdown(summary))
    write_text(folder.report, html(summary, played, folder.read_queries()))
    return summary
