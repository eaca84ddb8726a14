"""Galleries: each inverted image as a row of pictures, and a figure of the strongest rows for papers.

Shape suffixes: H height, W width, S steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from lacuna.report import words
from lacuna.report.album import Album
from lacuna.report.figures import curves, inversions, segmentations
from lacuna.report.figures.segmentations import Colours
from lacuna.report.reading import Inverted

NAMED = 3  # classes named in a caption


@dataclass(frozen=True)
class Floor:
    """What the method loses of the generator's own images, which it can draw: its own error."""

    lost: Mapping[str, tuple[int, int]]  # class -> in how many images it is lost, of how many that show it
    pixel_error: float


@dataclass(frozen=True)
class Loss:
    """A class that one photo lost: areas in percent of the image, and the noise floor in words."""

    name: str
    photo_area: float
    reconstruction_area: float
    floor: str


@dataclass(frozen=True)
class Photo:
    """One row of the gallery; pictures are addresses, the two whole ones empty where the row shows them whole."""

    anchor: str
    index: int
    width: int
    height: int
    converged: bool
    photo: str
    reconstruction: str
    photo_whole: str
    reconstruction_whole: str
    photo_classes: str
    reconstruction_classes: str
    lost: str
    photo_names: str
    reconstruction_names: str
    losses: list[Loss]
    lost_percent: float
    pixel_error: float
    pixel_floor: float
    steps: str
    path: str

    @property
    def lost_names(self) -> list[str]:
        """The classes that it lost, the largest loss first."""
        return [loss.name for loss in self.losses]

    @property
    def lost_text(self) -> str:
        """What it lost, in words."""
        return _lost_text([(loss.name, loss.photo_area, loss.reconstruction_area) for loss in self.losses])


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


def photo(item: Inverted, row: int, colours: Colours, album: Album, inside: bool, floor: Floor | None) -> Photo:
    """Draw and word one row.

    Args:
        inside: its pictures lie in the page, not beside it.
        floor: of the same generator, where it is known and these are not its own images.
    """
    pictures = _pictures(item, row, colours)
    index = int(item.index_N[row])
    stem = f"{item.generator}-{item.source}/{index}"
    names = ("photo", "reconstruction", "photo_classes", "reconstruction_classes", "lost")
    shown = [album.picture(one, f"{stem}_{name}", inside) for one, name in zip(pictures, names, strict=True)]
    whole = [album.whole(one, f"{stem}_{name}") for one, name in zip(pictures[:2], names, strict=False)]
    height, width = item.x_NHW3.shape[1:3]
    loss_S = item.total_loss_NS[row]
    steps = int(np.isfinite(loss_S).sum())
    return Photo(
        anchor=anchor(item, index),
        index=index,
        width=width,
        height=height,
        converged=bool(item.converged_N[row]),
        photo=shown[0],
        reconstruction=shown[1],
        photo_whole=whole[0],
        reconstruction_whole=whole[1],
        photo_classes=shown[2],
        reconstruction_classes=shown[3],
        lost=shown[4],
        photo_names=item.names(item.labels_photo_NHW[row]),
        reconstruction_names=item.names(item.labels_reconstruction_NHW[row]),
        losses=[Loss(*entry, floor_text(entry[0], floor)) for entry in item.lost_classes(row)],
        lost_percent=float(item.lost_percent[row]),
        pixel_error=float(item.pixel_errors[row]),
        pixel_floor=floor.pixel_error if floor else float("nan"),
        steps=f"loss {words.number(float(loss_S[0]))} → {words.number(float(loss_S[steps - 1]))}" if steps else "",
        path=curves.sparkline(loss_S.tolist()),
    )


def anchor(item: Inverted, index: int) -> str:
    """Where the row of an image is on the page."""
    return f"{item.generator}-{item.source}-{index}"


def floor_text(name: str, floor: Floor | None) -> str:
    """How often the generator's own images lose a class; empty where that was not looked at."""
    if floor is None:
        return ""
    if name not in floor.lost:
        return "its own images show none"
    lost, having = floor.lost[name]
    return f"its own images: {lost} of {having}"


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
