"""Leave out one object of the world at a time: scenes are drawn and segmented again without each object that they show.

What the verdicts are calibrated on. Leaving an object out changes nothing else in a scene, so a scene is drawn again
only without the objects that its labels show; with everything it is the one that `render` made.

Shape suffixes: N scenes, M rows, H height, W width, C classes.
"""

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lacuna.areas.omissions import class_counts
from lacuna.errors import UserError
from lacuna.formats import planted
from lacuna.formats.images import ImageShards
from lacuna.runtime import command, compute
from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.segmenter import Segmenter
from lacuna.world import FREQUENCIES, VOCABULARY, World

Row = tuple[int, int, NDArray[np.uint8], NDArray[np.uint16]]  # index, position of what is left out, image, labels


class Job(command.ComputingJob):
    """What the stage is told."""

    shard: str = Field(description="scenes with everything, as render wrote them")
    world: dict[str, Any] = Field(description="JSON: size, omit, scale, scenes")
    seed: int = Field(description="seed of the world")
    objects: list[str] = Field(description="objects to leave out, or `all`")
    family: str = Field(description="architecture of the segmenter")
    checkpoint: str = Field(description="weights of the segmenter")
    segmenter_settings: dict[str, Any] = Field({}, description="JSON: what its entry says beside its weights")
    size: int = Field(description="pixels per side in comparisons; 0 for the segmenter's")
    precision: str = Field(description="arithmetic of the segmenter, as segment has it")
    batch_size: int
    table: str = Field(description="HDF5 file to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("plant", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    segmenter = load_segmenter(job.family, job.checkpoint, device, job.precision, job.segmenter_settings)
    classes = checked_classes(segmenter, job.checkpoint)
    objects = checked_objects(job.objects)
    with ImageShards([job.shard]) as scenes:
        check_size(scenes, job.size or segmenter.size, job.shard)
        numbers = command.progress(range(len(scenes)), desc="plant", unit="scene")
        rows = (row for place in numbers for row in variants(scenes, place, job.world, job.seed, objects))
        table = measured(segmenter, rows, job.batch_size, classes)
    config = {"world": job.world, "objects": objects, "batch_size": job.batch_size, "precision": job.precision}
    planted.write(job.table, table, Provenance("plant", job.code, config, job.seed, [job.shard, job.checkpoint]))


def checked_classes(segmenter: Segmenter, checkpoint: str) -> list[str]:
    """The world's objects, which must be the segmenter's."""
    classes = list(VOCABULARY["object"])
    if segmenter.classes["object"] != classes:
        raise UserError(
            f"{checkpoint}: {len(segmenter.classes['object'])} objects, expected the world's {len(classes)}, "
            f"{', '.join(classes)}; calibrate a segmenter that learnt the world"
        )
    return classes


def checked_objects(asked: Sequence[str]) -> list[str]:
    """The objects to leave out, in the order of the vocabulary; `all` for every one that can be."""
    chosen = list(FREQUENCIES) if list(asked) == ["all"] else list(asked)
    unknown = sorted(set(chosen) - set(FREQUENCIES))
    if unknown:
        raise UserError(f"calibrate.objects: found {', '.join(unknown)}, expected some of {', '.join(FREQUENCIES)}")
    return [name for name in VOCABULARY["object"] if name in chosen]


def check_size(scenes: ImageShards, size: int, where: str) -> None:
    """Refuse scenes of another size than comparisons bring their images to: that would be another instrument."""
    found = scenes.read("images", [0]).shape[1]
    if found != size:
        raise UserError(
            f"{where}: scenes of {found} pixels per side, expected {size}, at which comparisons segment; give the "
            f"source `size: {size}`, or set the size of segment"
        )


def variants(
    scenes: ImageShards, place: int, settings: dict[str, Any], seed: int, objects: Sequence[str]
) -> Iterator[Row]:
    """One scene with everything, then without each of its objects."""
    index = int(scenes.index[place])
    image_HW3, labels_HW = (scenes.read(name, [place])[0] for name in ("images", "labels_object"))
    yield index, 0, image_HW3, labels_HW
    shown = set(np.unique(labels_HW).tolist())
    for name in objects:
        position = VOCABULARY["object"].index(name)
        if position in shown:
            without = World(seed=seed, **(settings | {"omit": [*settings["omit"], name]})).scene(index)
            yield index, position, without.image, without.labels_object


def object_labels(segmenter: Segmenter, images_NHW3: NDArray[np.uint8], rows: slice) -> NDArray[np.int64]:
    """Object labels (n, H, W) of some of the images."""
    return segmenter.label_maps(images_NHW3[rows], ("object",))["object"].cpu().numpy()


def measured(segmenter: Segmenter, rows: Iterator[Row], batch_size: int, classes: list[str]) -> planted.PlantedAreas:
    """Exact and segmented areas of all rows, a batch at a time."""
    index, omitted, exact, segmented, image_px = [], [], [], [], 0
    size = BatchSize(batch_size)
    while batch := list(itertools.islice(rows, batch_size)):
        images_NHW3, labels_NHW = (np.stack([row[part] for row in batch]) for part in (2, 3))
        maps = in_batches(partial(object_labels, segmenter, images_NHW3), len(batch), size)
        index += [row[0] for row in batch]
        omitted += [row[1] for row in batch]
        exact.append(class_counts(labels_NHW, len(classes)))
        segmented += [class_counts(found_NHW, len(classes)) for found_NHW in maps]
        image_px = labels_NHW[0].size
    exact_px, segmented_px = (np.concatenate(parts).astype(np.uint32) for parts in (exact, segmented))
    return planted.PlantedAreas(np.array(index), np.array(omitted), exact_px, segmented_px, classes, image_px)


if __name__ == "__main__":
    command.run("plant", main)
