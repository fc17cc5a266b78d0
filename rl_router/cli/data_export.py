"""`data export`: a routing table becomes another project's files."""

from __future__ import annotations

import argparse
from pathlib import Path

from rl_router.cli.parts import Commands, add_command


def add(commands: Commands) -> None:
    export = add_command(commands, "export", export_command, "write a routing table as another project's files")
    export.add_argument("format", metavar="FORMAT", choices=["llmrouter"], help="llmrouter")
    export.add_argument("table", metavar="TABLE", type=Path, help="a routing table (parquet)")
    export.add_argument("folder", metavar="FOLDER", type=Path, help="where its folders go")
    export.add_argument("--pool", help="a pool file or name, for default_llm.json; the models that the table has")
    export.add_argument("--encoder", help="also write embeddings with this encoder, such as st:minilm")


def export_command(args: argparse.Namespace) -> None:
    from rl_router.data.table import RoutingTable
    from rl_router.pipeline.llmrouter_files import write_files
    from rl_router.pool.spec import load_specs, pool_path

    table = RoutingTable.read(args.table)
    specs = [spec for spec in load_specs(pool_path(args.pool)) if spec.name in table.models] if args.pool else []
    encoder = None
    if args.encoder:
        from rl_router.encoders import make_encoder

        encoder = make_encoder(args.encoder)
    for path in write_files(table, args.folder, specs=specs, encoder=encoder):
        print(path)
