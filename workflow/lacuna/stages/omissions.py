"""What each photo has and its reconstruction has not: class areas of both, and the region lost.

Shape suffixes: N images, H height, W width, C classes.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 4.4: what a reconstruction lacks, the generator cannot make.
"""

import re
from collections.abc import Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lacuna import families
from lacuna.areas.omissions import (
    ClassOmission,
    Omission,
    class_areas,
    class_omissions,
    lost_areas,
    noise_floor,
    rank_images,
)  # fmt: skip
from lacuna.config.inversion import Omissions
from lacuna.config.shards import shard_paths
from lacuna.formats import inversions, tables
from lacuna.formats.files import atomic
from lacuna.formats.inversions import Inversions
from lacuna.formats.omissions import CLASS_COLUMNS, COLUMNS, OmissionMaps
from lacuna.formats.omissions import write as write_maps
from lacuna.inversion.labels import lost_mask, object_maps
from lacuna.report.figures.colours import class_colours
from lacuna.report.figures.omission_gallery import Row, class_gallery
from lacuna.runtime import command, compute, seeds
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.loading import load_segmenter

SHOWN, UNSURE = 8, 2  # images of a gallery: converged ones, and others


class Job(command.ComputingJob):
    """What the stage is told."""

    inversions: str = Field(description="folder of the inversion shards of one source")
    count: int
    shard_size: int
    segmenter_family: str
    segmenter_checkpoint: str
    segmenter_settings: dict[str, Any] = Field({})
    control: str | None = Field(
        None, description="table of this stage for the generator's own samples: the noise floor"
    )
    shown_percent: float = Field(description="area from which an image shows a class")
    confidence: float = Field(description="two-sided level of the intervals")
    settings: Omissions
    seed: int
    tsv: str = Field(description="one row per image and class")
    classes: str = Field(description="TSV: one row per class, what lost most first")
    masks: str
    gallery: str = Field(description="folder: one picture per class")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    job = command.job("omissions", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    segmenter = load_segmenter(job.segmenter_family, job.segmenter_checkpoint, device, settings=job.segmenter_settings)
    found = inversions.read_shards(job.inversions, job.count, job.shard_size, ("x", "x_hat"))
    photo_NHW = object_maps(segmenter, found.x, job.settings.batch_size)
    reconstruction_NHW = object_maps(segmenter, found.x_hat, job.settings.batch_size)
    names, control = segmenter.classes["object"], control_rows(job.control)
    floor = noise_floor(control, job.shown_percent)
    rows = omissions(photo_NHW, reconstruction_NHW, found.index, found.converged, names, floor)
    ranked = class_omissions(
        rows, control, job.shown_percent, job.confidence, partial(seeds.seed_for, job.seed, "omissions")
    )
    tables.write_tsv(job.tsv, COLUMNS, [astuple(row) for row in rows])
    tables.write_tsv(job.classes, CLASS_COLUMNS, [astuple(row) for row in ranked])
    lost_NHW = lost_mask(photo_NHW, reconstruction_NHW)
    maps = OmissionMaps(photo_NHW, reconstruction_NHW, lost_NHW, found.index, found.converged, names)
    shown = [row for row in rows if row.photo_area > job.shown_percent]
    write_galleries(Path(job.gallery), found, maps, shown, ranked, bool(control))
    weights = map(Path, families.files("segmenters", job.segmenter_family, job.segmenter_checkpoint))
    inputs = [*shard_paths(job.inversions, job.count, job.shard_size), *weights]
    files = [path for path in inputs if Path(path).is_file()]
    write_maps(job.masks, maps, Provenance("omissions", job.code, job.settings.given(), job.seed, files))


def omissions(
    photo_NHW: NDArray[np.uint16],
    reconstruction_NHW: NDArray[np.uint16],
    index_N: NDArray[np.int64],
    converged_N: NDArray[np.bool_],
    names: Sequence[str],
    floor: dict[str, float],
) -> list[Omission]:
    """One row per image and class, for the classes that are in the photo or in the reconstruction, '-' left out."""
    photo_NC = class_areas(photo_NHW, len(names))
    reconstruction_NC = class_areas(reconstruction_NHW, len(names))
    lost_NC = lost_areas(photo_NHW, reconstruction_NHW, len(names))
    present = np.argwhere((photo_NC > 0) | (reconstruction_NC > 0)).tolist()
    return [
        Omission(
            int(index_N[row]), names[c], float(photo_NC[row, c]), float(reconstruction_NC[row, c]),
            float(lost_NC[row, c]), bool(converged_N[row]), floor.get(names[c], float("nan")),
        )
        for row, c in present
        if c > 0
    ]  # fmt: skip


def control_rows(control: str | None) -> list[Omission]:
    """Rows of the table of the generator's own samples; none without it."""
    return [
        Omission(
            int(row["index"]), row["class"], float(row["photo_area"]), float(row["reconstruction_area"]),
            float(row["lost_area"]), row["converged"] == "yes", float(row["noise_floor"]),
        )
        for row in (tables.read_tsv(control) if control else [])
    ]  # fmt: skip


def write_galleries(
    folder: Path,
    found: Inversions,
    maps: OmissionMaps,
    rows: Sequence[Omission],
    ranked: Sequence[ClassOmission],
    has_control: bool,
) -> None:
    """One picture per class, numbered by rank: the images that lost most of it, the unconverged last and marked."""
    place, colours = {int(number): row for row, number in enumerate(found.index)}, class_colours(maps.classes)
    folder.mkdir(parents=True, exist_ok=True)
    for rank, entry in enumerate(ranked, start=1):
        shown = rank_images(rows, entry.name)
        best = [row for row in shown if row.converged][:SHOWN] + [row for row in shown if not row.converged][:UNSURE]
        label = maps.classes.index(entry.name)
        pictures = [gallery_row(row, place[row.index], found, maps, label) for row in best]
        page = class_gallery(headline(entry, has_control), pictures, maps.classes, colours)
        with atomic(folder / f"{rank:03d}_{re.sub('[^a-z0-9]+', '_', entry.name.lower())}.png") as partial_name:
            page.save(partial_name, "png")


def gallery_row(row: Omission, place: int, found: Inversions, maps: OmissionMaps, label: int) -> Row:
    """One image in the gallery of one class."""
    lost_HW = maps.lost[place] & (maps.labels_photo[place] == label)
    unsure = "" if row.converged else " - not converged: no claim is made from this one"
    caption = f"image {row.index}: {row.photo_area:.2f} % -> {row.reconstruction_area:.2f} %, region lost "
    return Row(
        found.x[place], found.x_hat[place], maps.labels_photo[place], maps.labels_reconstruction[place], lost_HW,
        f"{caption}{row.lost_area:.2f} % of the image{unsure}",
    )  # fmt: skip


def headline(entry: ClassOmission, has_control: bool) -> list[str]:
    """What became of one class, with the noise floor beside it where own samples were given."""
    found = (
        f"{entry.name}: lost in {entry.num_lost} of {entry.num_images} images that show it; mean area "
        f"{entry.photo_area:.2f} % -> {entry.reconstruction_area:.2f} %, region lost {entry.lost_area:.2f} %"
    )
    if not has_control:
        return [found]
    floor = (
        f"Noise floor, the generator's own samples: lost in {entry.num_control_lost} of {entry.num_control}; "
        f"region lost {entry.noise_floor:.2f} %"
        if entry.num_control
        else "Noise floor unknown: none of the generator's own samples shows it"
    )
    return [found, f"{floor}. Above it: {entry.excess:.2f} % [{entry.low:.2f}, {entry.high:.2f}]"]


if __name__ == "__main__":
    command.run("omissions", main)
