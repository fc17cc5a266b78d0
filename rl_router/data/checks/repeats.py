"""The same question twice: leaked into another split, under two ids, or with its models split over two ids."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from rl_router.data.checks.finding import Finding, Kind, some
from rl_router.data.checks.splits import fit_splits
from rl_router.data.queries import IMAGES


def repeat_findings(frame: pl.DataFrame) -> list[Finding]:
    """`frame` is what `usable_rows` gives."""
    queries = (
        frame.with_columns(images=_images(frame))
        .group_by("query_id", maintain_order=True)
        .agg(pl.first("query", "split", "dataset", "images"), pl.col("model").unique().sort().alias("models"))
    )
    queries = queries.with_columns(normal=normalised(pl.col("query")) + pl.col("images"))
    return [*_leaks(queries), *_split_questions(queries), *_duplicates(queries)]


def normalised(text: pl.Expr) -> pl.Expr:
    """Case and spacing set aside: what a model would read as the same question."""
    return text.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" ")


def _images(frame: pl.DataFrame) -> pl.Expr:
    """The pictures of a question, which tell one "Find x." from another; "" where it has none."""
    if frame.schema.get("meta") != pl.String:
        return pl.lit("")
    return pl.col("meta").str.json_path_match(f"$.{IMAGES}").fill_null("")


def leaked_ids(frame: pl.DataFrame, held_out: str, fitted: list[str]) -> list[str]:
    """Queries of split `held_out` that a router fitted on the splits `fitted` has seen, case and spacing aside."""
    queries = frame.unique("query_id", keep="first", maintain_order=True)
    texts = queries.select("query_id", "split", (normalised(pl.col("query")) + _images(queries)).alias("text"))
    seen = texts.filter(pl.col("split").is_in(fitted))["text"].unique()
    leaked = texts.filter((pl.col("split") == held_out) & pl.col("text").is_in(seen.implode()))
    return leaked["query_id"].to_list()


def _leaks(queries: pl.DataFrame) -> Iterator[Finding]:
    splits = queries["split"].unique(maintain_order=True).to_list()
    fitted = fit_splits(splits)
    ordered = [*fitted, *(split for split in splits if split not in fitted)]
    for i, held_out in enumerate(ordered):
        for seen in ordered[:i]:
            a, b = (queries.filter(pl.col("split") == split) for split in (seen, held_out))
            again = b.filter(pl.col("normal").is_in(a["normal"].implode()))
            if again.height:
                verbatim = int(again["query"].is_in(a["query"].implode()).sum())
                rest = again.height - verbatim
                near = f" and {rest} but for case and spaces" if rest else ""
                yield Finding(
                    kind=Kind.LEAK,
                    text=f"{verbatim} of the {b.height} queries of split {held_out!r} are in {seen!r} word for word"
                    f"{near}; leave them out of {held_out!r}",
                    count=again.height,
                    examples=some(again["query_id"]),
                )


def _same_text(queries: pl.DataFrame) -> pl.DataFrame:
    """Texts under several ids, with `ids` and the number of models that all of them and any of them have."""
    groups = queries.group_by("dataset", "normal", maintain_order=True).agg(
        pl.col("query_id").alias("ids"),
        pl.col("split").n_unique().alias("splits"),
        pl.col("models").list.explode().n_unique().alias("any"),
        pl.col("models").list.len().sum().alias("all"),
    )
    return groups.filter(pl.col("ids").list.len() > 1)


def _split_questions(queries: pl.DataFrame) -> Iterator[Finding]:
    """No model answered under two of the ids, so together they are one question."""
    parts = _same_text(queries).filter(pl.col("any") == pl.col("all"))
    if parts.height:
        yield Finding(
            kind=Kind.DUPLICATE,
            text="questions are split over several query ids, each with other models; join their rows under one id",
            count=parts.height,
            examples=some(" + ".join(ids) for ids in parts["ids"]),
        )


def _duplicates(queries: pl.DataFrame) -> Iterator[Finding]:
    """Within a split; those between splits are leaks."""
    for (split,), part in queries.group_by("split", maintain_order=True):
        twice = _same_text(part).filter(pl.col("any") < pl.col("all"))
        if twice.height:
            yield Finding(
                kind=Kind.DUPLICATE,
                text=f"questions stand under more than one query id in split {split!r} and count more than once",
                count=twice.height,
                examples=some(", ".join(ids) for ids in twice["ids"]),
            )
