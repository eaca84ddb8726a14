"""Presence image by image: each sample of a generator that draws texts beside the photo of its caption.

Sample i has prompt i. Prompts from a file name their photos; those of a list go with the real images of the same
numbers. Tables are read a shard at a time. Shape suffixes: N pairs, C classes.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lacuna.areas.paired import asked_for, compare_pairs
from lacuna.config.distribution import Fsd
from lacuna.errors import UserError
from lacuna.formats import areas, captions, manifests, paired, tables
from lacuna.runtime import command

log = logging.getLogger(__name__)


class Job(command.Job):
    """What the stage is told."""

    prompts: str | list[str] = Field(description="file of captions, or the prompts themselves")
    real_tables: str = Field(description="folder of the real class-area shards")
    real_count: int = Field(description="number of real images")
    real_manifest: str | None = Field(None, description="what the workflow saw of the real images of a user")
    generated_tables: str = Field(description="folder of the generated class-area shards")
    generated_count: int = Field(description="number of generated images")
    shard_size: int = Field(description="images per shard")
    settings: Fsd
    tsv: Path = Field(description="table of classes to write")
    summary: Path = Field(description="summary to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("paired", Job, __doc__, argv)
    prompts, least = job.prompts, job.settings.presence_percent
    photo_of: list[int | None] = list(range(job.generated_count))
    if isinstance(prompts, str):
        rows = captions.read(prompts)[: job.generated_count]
        prompts, photo_of = [row.prompt for row in rows], photos(rows, job.real_manifest)
    real = shown(job.real_tables, job.real_count, job.shard_size, least)
    generated = shown(job.generated_tables, job.generated_count, job.shard_size, least)
    if real.classes != generated.classes:
        raise UserError(f"{job.generated_tables}: other classes than {job.real_tables}, expected one segmenter")
    pairs = [(i, photo) for i, photo in enumerate(photo_of) if i in generated.row_of and photo in real.row_of]
    if not pairs:
        raise UserError(
            f"{job.real_tables}: none of {len(photo_of)} captions has its photo among the real images, expected the "
            "column `file` to name them by their path below the source"
        )
    photo_NC = real.shown_NC[[real.row_of[photo] for _, photo in pairs]]
    sample_NC = generated.shown_NC[[generated.row_of[i] for i, _ in pairs]]
    asked_NC = asked_for([prompts[i] for i, _ in pairs], [name for name, _ in real.classes])
    warnings = list(cautions(len(pairs), len(photo_of), real.is_grouped))
    for warning in warnings:
        log.warning(warning)
    paired.write(job.tsv, table(real.classes, photo_NC, sample_NC, asked_NC, job.settings.confidence))
    tables.write_json(
        job.summary,
        {
            "num_pairs": len(pairs),
            "num_unpaired": len(photo_of) - len(pairs),
            "num_asking": int(asked_NC.any(axis=1).sum()),
            "presence_percent": job.settings.presence_percent,
            "confidence": job.settings.confidence,
            "warnings": warnings,
            "code": job.code,
        },
    )


@dataclass(frozen=True)
class Shown:
    """Which classes each image of a source shows.

    Attributes:
        classes: name and category of each.
        shown_NC: (N, C) bool.
        row_of: row of each image, by its index.
        is_grouped: whether images belong to groups, which alone are independent.
    """

    classes: list[tuple[str, str]]
    shown_NC: NDArray[np.bool_]
    row_of: dict[int, int]
    is_grouped: bool


def shown(folder: str, count: int, shard_size: int, presence_percent: float) -> Shown:
    """Presence in the images of one source, by their class areas."""
    classes, shown_NC, index, is_grouped = [], [], [], False
    for shard in areas.read_shards(folder, count, shard_size):
        classes = list(zip(shard.classes, shard.categories, strict=True))
        shown_NC.append(shard.area_px > presence_percent / 100 * shard.image_px)
        index += shard.index.tolist()
        is_grouped = shard.group is not None
    return Shown(classes, np.concatenate(shown_NC), {image: row for row, image in enumerate(index)}, is_grouped)


def photos(rows: Sequence[captions.Caption], manifest: str | None) -> list[int | None]:
    """Number of the photo of each caption among the real images; None where it is not one of them.

    Raises:
        UserError: the real images have no names, or two captions are of one photo, which would count twice.
    """
    found = manifests.read(manifest) if manifest else None
    if found is None or found.header["numbered"]:
        raise UserError(
            "real images without names, expected files, to which the captions' column `file` refers; give prompts as a "
            "list, which go with images of the same numbers"
        )
    number_of = {row[0]: number for number, row in enumerate(found.rows(0, len(found.lines)))}
    name, times = Counter(row.file for row in rows).most_common(1)[0]
    if times > 1:
        raise UserError(f"captions: {name} is named {times} times, expected each photo once: pairs are independent")
    return [number_of.get(row.file) for row in rows]


def cautions(num_pairs: int, num_captions: int, is_grouped: bool) -> Iterator[str]:
    """What a reader must know of the pairs."""
    if num_pairs < num_captions:
        yield f"{num_captions - num_pairs} of {num_captions} captions have no photo among the real images, or no sample"
    if is_grouped:
        yield "real images fall into groups, and the test takes all pairs for independent"


def table(
    classes: Sequence[tuple[str, str]],
    photo_NC: NDArray[np.bool_],
    sample_NC: NDArray[np.bool_],
    asked_NC: NDArray[np.bool_],
    confidence: float,
) -> Iterator[tuple[Any, ...]]:
    """One row per class in the order of paired.COLUMNS; q is corrected within a category."""
    category_C = np.array([category for _, category in classes])
    for category in dict.fromkeys(category_C.tolist()):
        columns = np.flatnonzero(category_C == category)
        tests = compare_pairs(photo_NC[:, columns], sample_NC[:, columns], confidence)
        counts = np.column_stack([tests.both, tests.photo_only, tests.sample_only]).tolist()
        numbers = np.column_stack([tests.kept, tests.low, tests.high, tests.p, tests.q]).tolist()
        asked = asked_NC[:, columns].sum(axis=0).tolist()
        not_drawn = (asked_NC & ~sample_NC)[:, columns].sum(axis=0).tolist()
        for place, c in enumerate(columns.tolist()):
            yield (*classes[c], *counts[place], *numbers[place], asked[place], not_drawn[place])


if __name__ == "__main__":
    command.run("paired", main)
