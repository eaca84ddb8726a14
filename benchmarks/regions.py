"""What it costs to look at regions: with the demo, and with 336 classes at 256 pixels and maps as wide as published.

Run as `python -m benchmarks.regions`.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.stages import show
from lacuna.config.distribution import Regions
from lacuna.formats import regions
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.kept_regions import RegionKeeper
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.region_features import passing_maps
from lacuna.stages.segment import columns, labels_and_areas
from lacuna.world import World

BATCH, IMAGES = 50, 400
LARGE, CLASSES, SIDE, WIDTHS = 100, 336, 256, (256, 512)


def main() -> None:
    torch.set_num_threads(1)
    of_the_demo()
    of_many_classes()


def of_the_demo() -> None:
    """CPU time of looking at regions, beside that of segmenting the same images."""
    world, segmenter = World(), load_segmenter("upernet", "workflow/demo/segmenter.safetensors")
    images_NHW3 = np.stack([world.scene(i).image for i in range(IMAGES)])
    keeper = RegionKeeper(*columns(segmenter.classes, ("object",)), Regions(), seed=1)
    seconds = np.zeros(2)
    with passing_maps(segmenter) as maps:
        for first in range(0, IMAGES, BATCH):
            rows = slice(first, first + BATCH)
            begun = time.process_time()
            labels, _ = labels_and_areas(segmenter, images_NHW3, ("object",), rows)
            segmented = time.process_time()
            keeper.add(np.arange(first, first + BATCH), images_NHW3[rows], labels, maps)
            seconds += segmented - begun, time.process_time() - segmented
    show("regions_64px_to_segmenting_ratio", seconds[1] / seconds[0], "times")


def of_many_classes() -> None:
    """Time an image, and the file of a shard: 16 random patches in an image, frequent classes and rare ones."""
    dice = np.random.default_rng(0)
    share = np.arange(1, CLASSES) ** -0.8
    names = ["-", *(f"class {number}" for number in range(1, CLASSES))]
    keeper = RegionKeeper(names, ["object"] * CLASSES, Regions(), seed=1)
    seconds = 0.0
    for index in range(LARGE):
        patches = dice.choice(CLASSES - 1, size=(4, 4), p=share / share.sum()) + 1
        labels_HW = np.kron(patches, np.ones((SIDE // 4, SIDE // 4), dtype=np.int16))
        noise = Image.fromarray(dice.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        image_HW3 = np.asarray(noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        maps = [torch.rand(1, width, SIDE >> shift, SIDE >> shift) for shift, width in enumerate(WIDTHS, start=2)]
        begun = time.process_time()
        keeper.add(np.array([index]), image_HW3[None], {"object": labels_HW[None]}, maps)
        seconds += time.process_time() - begun
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0.regions.h5"
        regions.write(path, keeper.table(np.arange(LARGE), SIDE**2, None), Provenance("segment", "benchmark"))
        show(f"regions_256px_{CLASSES}_classes_an_image", 1000 * seconds / LARGE, "ms")
        show(f"regions_256px_{CLASSES}_classes_10000_images_at_most", path.stat().st_size / LARGE / 100, "MB")


if __name__ == "__main__":
    main()
