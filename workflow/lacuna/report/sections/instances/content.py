"""The sections about single photos: one view per inversion of a source.

Shape suffixes: N images, H height, W width, S steps, T terms of the loss.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Self

import numpy as np
from matplotlib.figure import Figure

from lacuna.inversion.methods import METHODS
from lacuna.report import words
from lacuna.report.album import Album
from lacuna.report.figures.colours import BACKGROUND, hex_colour
from lacuna.report.figures.segmentations import Colours
from lacuna.report.page import Page, Section, Table
from lacuna.report.reading import Inverted
from lacuna.report.sections.instances import accuracy, gallery, methods
from lacuna.report.sections.instances.accuracy import Accuracy
from lacuna.report.sections.instances.gallery import Group, Photo
from lacuna.report.sections.instances.methods import MethodRow

STRIPS = 4  # photos in the figure for papers
NAMED = 3  # classes named in a claim
SURE_PHOTOS = 2  # a class is claimed to be lost if so many photos lose it
ACCURACY = ("quantity", "method", "mean", "low", "high", "chance")


@dataclass(frozen=True)
class ClassLoss:
    """What became of one class over all converged images; areas in percent of the image, over images that show it.

    floor_with, floor_lost: of the generator's own images, those that show the class and those that lost it.
    excess: area of the region lost above the noise floor, between `low` and `high` with the confidence of `omissions`.
    """

    name: str
    num_with: int
    num_lost: int
    photo_area: float
    reconstruction_area: float
    floor_with: int = 0
    floor_lost: int = 0
    excess: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def rate(self) -> float:
        """Share of the images with the class that lost it."""
        return self.num_lost / self.num_with if self.num_with else float("nan")

    @property
    def floor_rate(self) -> float:
        """The same for the generator's own images."""
        return self.floor_lost / self.floor_with if self.floor_with else float("nan")


@dataclass(frozen=True)
class Inversion:
    """Everything that the page says of one inverted source."""

    anchor: str
    generator: str
    source: str
    method: str
    title: str
    is_floor: bool
    has_floor: bool
    claim: str
    losses: list[ClassLoss]
    accuracy: Accuracy
    filters: list[tuple[str, int]]
    groups: list[Group]
    compared: list[MethodRow]
    figure: Figure = field(repr=False)
    methods_figure: Figure | None = field(repr=False)

    @property
    def photos(self) -> list[Photo]:
        """All rows."""
        return [photo for group in self.groups for photo in group.photos]


@dataclass(frozen=True)
class Instances(Section):
    """All inversions of the page, and the colours of their label maps."""

    inversions: list[Inversion]
    legend: list[tuple[str, str]]
    shown_percent: float

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Draw the inversions; photos first, each with the noise floor of its generator."""
        if not page.inverted:
            return None
        floors = {item.generator: item for item in reversed(page.inverted) if item.is_floor}  # as `omissions` takes it
        ordered = sorted(page.inverted, key=lambda item: item.is_floor)
        return cls(
            [
                _view(item, None if item.is_floor else floors.get(item.generator), page.colours, page.album)
                for item in ordered
            ],
            [(name, hex_colour(colour)) for name, colour in page.colours.items()],
            page.inputs.config.fsd.presence_percent,
        )

    def figures(self) -> Mapping[str, Figure]:
        """The strongest photos of each inversion, and its methods side by side."""
        strips = {f"instances-{view.anchor}": view.figure for view in self.inversions}
        methods = {f"methods-{view.anchor}": view.methods_figure for view in self.inversions}
        return strips | {name: figure for name, figure in methods.items() if figure}

    def tables(self) -> Iterable[Table]:
        """What each inversion loses, and how well it is done."""
        for view in self.inversions:
            caption = f"What {view.generator} loses of {view.source} by {view.method}; areas in percent of the image."
            yield Table.of(f"instances-{view.anchor}", caption, ClassLoss, view.losses)
            cells = [
                (name, method, *astuple(cell))
                for name, row in view.accuracy.rows
                for method, cell in zip(view.accuracy.methods, row, strict=True)
                if cell
            ]
            num_images = view.accuracy.num_images
            caption = f"How well {view.generator} is inverted: means over {num_images} images of {view.source}."
            yield Table(f"accuracy-{view.anchor}", caption, ACCURACY, cells)


def class_losses(item: Inverted) -> list[ClassLoss]:
    """What became of each class in the images that converged, as `omissions` counted it; the most often lost first."""
    counts = ("num_images", "num_lost", "num_control", "num_control_lost")
    means = ("photo_area", "reconstruction_area", "excess", "low", "high")
    found = []
    for row in item.ranking:
        num_with, num_lost, floor_with, floor_lost = (int(row[name]) for name in counts)
        photo_area, reconstruction_area, *excess = (float(row[name]) for name in means)
        loss = ClassLoss(
            row["class"], num_with, num_lost, photo_area, reconstruction_area, floor_with, floor_lost, *excess
        )
        if num_with:
            found.append(loss)
    return sorted(found, key=lambda loss: (-loss.rate, -loss.photo_area))


def claim(item: Inverted, losses: Sequence[ClassLoss], has_floor: bool) -> str:
    """What the inversion shows, in a sentence or two, with the noise floor beside it."""
    converged = int(item.converged_N.sum())
    text = f"{converged} of {len(item.index_N)} inversions converged. "
    if item.is_floor:
        lost = sum(loss.num_lost for loss in losses)
        having = sum(loss.num_with for loss in losses)
        share = f"{lost} of {having}"
        return f"{text}{item.generator} drew these images itself: {share} times that a class is in one, it gets lost."
    worst = [loss for loss in losses if loss.num_lost >= min(SURE_PHOTOS, loss.num_with) and loss.num_lost][:NAMED]
    if not worst:
        return text + "No class is lost in more than a single photo."
    parts = []
    for loss in worst:
        share = "all" if loss.num_lost == loss.num_with else f"{loss.num_lost} of the"
        part = f"{loss.name} is lost in {share} {loss.num_with} photos that show it"
        if has_floor and loss.floor_with:
            part += f" (noise floor {loss.floor_lost} of {loss.floor_with})"
        elif has_floor:
            part += " (the generator's own images show none)"
        parts.append(part)
    sentence = "; ".join(parts)
    return " ".join(filter(None, (f"{text}{sentence[0].upper()}{sentence[1:]}.", ceiling(item, losses, has_floor))))


def ceiling(item: Inverted, losses: Sequence[ClassLoss], has_floor: bool) -> str:
    """What no prior over an autoencoder's latents brings back; nothing of other generators, or without a search.

    A class counts that most photos with it lose, and beyond doubt more than the decoder's own images do.
    """
    if not item.is_decoder or METHODS[item.method].moves == "nothing":
        return ""
    gone = [
        loss for loss in losses
        if loss.num_lost >= max(SURE_PHOTOS, loss.num_with / 2) and (loss.low > 0 or not has_floor)
    ]  # fmt: skip
    return words.ceiling([(loss.name, item.lost_area(loss.name)) for loss in gone[:NAMED]])


def strongest(item: Inverted, short: Sequence[str]) -> tuple[int, str, float, float] | None:
    """The converged photo that lost most of one class: row, class, area in photo and in reconstruction.

    Args:
        short: classes that the whole distribution is short of too; looked at first.
    """
    lost_NC = np.where(item.lost & item.converged_N[:, None], item.photo_areas - item.reconstruction_areas, 0.0)
    lost_NC[:, [name == BACKGROUND for name in item.classes]] = 0.0
    preferred_NC = np.where([name in short for name in item.classes], lost_NC, 0.0)
    chosen_NC = preferred_NC if preferred_NC.max(initial=0.0) > 0 else lost_NC
    if chosen_NC.max(initial=0.0) <= 0:
        return None
    row, number = np.unravel_index(int(chosen_NC.argmax()), chosen_NC.shape)
    areas = item.photo_areas[row, number], item.reconstruction_areas[row, number]
    return int(row), item.classes[int(number)], float(areas[0]), float(areas[1])


def _view(item: Inverted, floor: Inverted | None, colours: Colours, album: Album) -> Inversion:
    losses = class_losses(item)
    own = {row["class"]: (int(row["num_control_lost"]), int(row["num_control"])) for row in item.ranking}
    lost_of_own = {name: (num_lost, of) for name, (num_lost, of) in own.items() if of}
    order = sorted(range(len(item.index_N)), key=lambda row: (not item.converged_N[row], -item.lost_percent[row]))
    own_error = float(floor.pixel_errors[floor.converged_N].mean()) if floor and floor.converged_N.any() else math.nan
    beside = gallery.Floor(lost_of_own, own_error) if floor else None
    photos = [
        gallery.photo(item, row, colours, album, place < album.num_inside, beside) for place, row in enumerate(order)
    ]
    return Inversion(
        anchor=f"{item.generator}-{item.source}",
        generator=item.generator,
        source=item.source,
        method=item.method,
        title=f"{item.source}, images of {item.generator} itself" if item.is_floor else f"Photos of {item.source}",
        is_floor=item.is_floor,
        has_floor=floor is not None,
        claim=claim(item, losses, floor is not None),
        losses=losses,
        accuracy=accuracy.view(item.evaluation),
        filters=[(loss.name, loss.num_lost) for loss in losses if loss.num_lost],
        groups=gallery.groups(photos),
        compared=methods.rows(item),
        figure=gallery.strips(item, order[:STRIPS], colours),
        methods_figure=methods.figure(item),
    )
