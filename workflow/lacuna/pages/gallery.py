"""Galleries: each inverted image as a row of pictures, and a figure of the strongest rows for papers.

Shape suffixes: H height, W width, S steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from lacuna.figures import curves, embed, inversions, segmentations
from lacuna.figures.segmentations import Colours
from lacuna.pages import words
from lacuna.pages.reading import Inverted

NAMED = 3  # classes named in a caption


@dataclass(frozen=True)
class Photo:
    """One row of the gallery; pictures are data addresses."""

    index: int
    width: int
    height: int
    converged: bool
    photo: str
    reconstruction: str
    photo_classes: str
    reconstruction_classes: str
    lost: str
    photo_names: str
    reconstruction_names: str
    lost_names: list[str]
    lost_text: str
    lost_percent: float
    pixel_error: float
    steps: str
    path: str


@dataclass(frozen=True)
class Group:
    """Some rows of a gallery; `title` is empty for those that lost something."""

    title: str
    folded: bool
    photos: list[Photo]


def groups(photos: Sequence[Photo]) -> list[Group]:
    """What lost something, what lost nothing, and what did not converge: no claim is made from the last."""
    sure = [photo for photo in photos if photo.converged]
    intact = [photo for photo in sure if not photo.lost_names]
    unsure = [photo for photo in photos if not photo.converged]
    found = [
        Group("", False, [photo for photo in sure if photo.lost_names]),
        Group(f"{len(intact)} that lost no class", True, intact),
        Group(f"{len(unsure)} that did not converge: no claim is made from these", True, unsure),
    ]
    return [group for group in found if group.photos]


def photo(item: Inverted, row: int, colours: Colours) -> Photo:
    """Draw and word one row."""
    lost = item.lost_classes(row)
    addresses = [embed.data_address(picture) for picture in _pictures(item, row, colours)]
    height, width = item.x_NHW3.shape[1:3]
    loss_S = item.total_loss_NS[row]
    steps = int(np.isfinite(loss_S).sum())
    return Photo(
        index=int(item.index_N[row]),
        width=width,
        height=height,
        converged=bool(item.converged_N[row]),
        photo=addresses[0],
        reconstruction=addresses[1],
        photo_classes=addresses[2],
        reconstruction_classes=addresses[3],
        lost=addresses[4],
        photo_names=item.names(item.labels_photo_NHW[row]),
        reconstruction_names=item.names(item.labels_reconstruction_NHW[row]),
        lost_names=[name for name, _, _ in lost],
        lost_text=_lost_text(lost),
        lost_percent=float(item.lost_percent[row]),
        pixel_error=float(np.abs(item.x_NHW3[row].astype(float) - item.x_hat_NHW3[row]).mean() / 255),
        steps=f"loss {words.number(float(loss_S[0]))} → {words.number(float(loss_S[steps - 1]))}" if steps else "",
        path=curves.sparkline(loss_S.tolist()),
    )


def _pictures(item: Inverted, row: int, colours: Colours) -> list[Image.Image]:
    x_HW3 = item.x_NHW3[row]
    lost = Image.fromarray(item.lost_region(row)).resize((x_HW3.shape[1], x_HW3.shape[0]), Image.Resampling.NEAREST)
    return [
        Image.fromarray(x_HW3),
        Image.fromarray(item.x_hat_NHW3[row]),
        segmentations.label_picture(item.labels_photo_NHW[row], item.classes, colours),
        segmentations.label_picture(item.labels_reconstruction_NHW[row], item.classes, colours),
        segmentations.lost_picture(x_HW3, np.asarray(lost)),
    ]


def _lost_text(lost: Sequence[tuple[str, float, float]]) -> str:
    if not lost:
        return "nothing lost"
    parts = [f"{name} {words.area(before)} → {words.area(after)}" for name, before, after in lost[:NAMED]]
    return ", ".join(parts) + (f" and {len(lost) - NAMED} more" if len(lost) > NAMED else "")


def strips(item: Inverted, rows: Sequence[int], colours: Colours) -> Figure:
    """The figure for papers."""
    captions = [f"image {item.index_N[row]}: {_lost_text(item.lost_classes(row))}" for row in rows]
    present = {name for row in rows for name in item.present(row)}
    shown = {name: colour for name, colour in colours.items() if name in present}
    return inversions.strips([_pictures(item, row, colours) for row in rows], captions, shown)
