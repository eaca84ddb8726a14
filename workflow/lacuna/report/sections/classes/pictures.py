"""Pictures of the section about classes: samples, their nearest training images, walks through z.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacuna.config.conditional import Conditional
from lacuna.report.figures import embed, sheets
from lacuna.report.inputs import Inputs

SHOWN_A_CLASS = 10  # samples of a class on the sheet
MOST_CLASSES = 20  # on a sheet
NEIGHBOURS_SHOWN = 4


@dataclass(frozen=True)
class Picture:
    """One picture of the section."""

    title: str
    address: str
    caption: str
    width: int
    height: int


def sample_sheet(inputs: Inputs, entry: Conditional, classes: Sequence[tuple[int, str]]) -> list[Picture]:
    """Samples of the classes (label, name), one class per row."""
    labels = [label for label, _ in classes][:MOST_CLASSES]
    images_NHW3, label_N = inputs.labelled_images(entry.generated, SHOWN_A_CLASS * len(classes))
    chosen = [images_NHW3[label_N == label][:SHOWN_A_CLASS] for label in labels]
    columns = min(map(len, chosen))
    if columns == 0:
        return []
    names = ", ".join(name for _, name in classes[:MOST_CLASSES])
    sheet = sheets.sheet(np.concatenate([found[:columns] for found in chosen]), columns)
    return [Picture("Samples, one class per row", embed.data_address(sheet), f"From the top: {names}.", *sheet.size)]


def overfit_pictures(found: Mapping[str, NDArray[Any]]) -> list[Picture]:
    """Samples beside their nearest training images, and walks through z."""
    samples, neighbours = found["samples"], found["neighbours"]
    rows = np.argsort(found["distance"][:, 0])[:NEIGHBOURS_SHOWN]
    beside = np.concatenate([np.concatenate([samples[row : row + 1], neighbours[row]]) for row in rows])
    nearest = sheets.sheet(beside, 1 + neighbours.shape[1])
    pictures = [Picture(
        "Nearest training images", embed.data_address(nearest),
        "First column: the samples that are nearest to a training image; then the training images, the nearest first.",
        *nearest.size,
    )]  # fmt: skip
    texts: Mapping[str, tuple[str, str]] = {
        "strips": (
            "From one z to another",
            "One class per row; steps of equal length. Jumps would tell of images by heart.",
        ),
        "varied": ("One z in every class", "One row per z, one class per column."),
    }
    for name, (title, caption) in texts.items():
        if name in found:
            tiles = found[name][:MOST_CLASSES]
            sheet = sheets.sheet(tiles.reshape(-1, *tiles.shape[2:]), tiles.shape[1])
            pictures.append(Picture(title, embed.data_address(sheet), caption, *sheet.size))
    return pictures
