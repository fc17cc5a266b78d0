"""`data models`: the models of a pool as vectors, for routers that read what a model is."""

from __future__ import annotations

import argparse

from rl_router.cli.parts import Commands, add_step


def add(commands: Commands) -> None:
    add_step(
        commands,
        "models",
        models_command,
        "embed the models of a pool by what is known of them",
        example="encoder=st:minilm",
    )


def models_command(args: argparse.Namespace) -> None:
    from rl_router.pipeline.model_embeddings import ModelsJob, embed_models
    from rl_router.recipe import load_step

    for path in embed_models(load_step(ModelsJob, args.recipe, args.changes, folder="models")):
        print(path)
