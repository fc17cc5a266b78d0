"""`data import`: routing data of other projects becomes a routing table."""

from __future__ import annotations

import argparse
from pathlib import Path

from rl_router.cli.parts import Commands, add_command

FORMATS = ("llmrouter", "routellm", "routerbench", "sessions", "verl", "votes")


def add(commands: Commands) -> None:
    importer = add_command(commands, "import", import_command, "make a routing table of another project's files")
    importer.add_argument("format", metavar="FORMAT", choices=FORMATS, help=f"one of {', '.join(FORMATS)}")
    importer.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="files, or folders to look in")
    importer.add_argument("--out", metavar="FILE", type=Path, required=True, help="where to write it (parquet)")
    importer.add_argument(
        "--queries", action="store_true", help="write the questions alone, as a queries file to collect answers to"
    )
    importer.add_argument(
        "--vectors", metavar="FILE", type=Path, help="llmrouter: also write its query embeddings (safetensors)"
    )


def import_command(args: argparse.Namespace) -> None:
    from rl_router.data.importers import IMPORTERS
    from rl_router.errors import DataError

    importer = IMPORTERS[args.format]
    if args.queries:
        from rl_router.data.queries import write_queries

        if importer.queries is None:
            able = ", ".join(name for name, other in IMPORTERS.items() if other.queries)
            raise DataError(f"--queries is for {able}: import {args.format} as a table.")
        queries = importer.queries(args.paths)
        write_queries(args.out, queries)
        print(f"{args.out}: {len(queries):,} queries")
        return
    if args.vectors and args.format != "llmrouter":
        raise DataError("--vectors is for llmrouter, whose query embeddings come in a file of their own.")
    table = importer.read([path for path in args.paths if path.suffix != ".pt"])
    if args.vectors:
        from rl_router.pipeline.llmrouter_files import vectors_of

        vectors_of(table, args.paths).write(args.vectors)
    table.write(args.out)
    print(f"{args.out}: {len(table.query_ids):,} queries x {len(table.models)} models, {table.frame.height:,} rows")
    print(f"Next: rl-router data check {args.out}")
