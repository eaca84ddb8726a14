"""The first screen: which pair of photo and reconstruction stands beside which sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from PIL import Image

from lacuna.config.configuration import Configuration
from lacuna.report import words
from lacuna.report.album import thumbnail
from lacuna.report.figures import embed, segmentations
from lacuna.report.page import Page, Section
from lacuna.report.reading import Inverted
from lacuna.report.sections.distribution.comparison import Comparison
from lacuna.report.sections.distribution.content import Distribution
from lacuna.report.sections.instances import gallery
from lacuna.report.sections.instances.content import Instances, Inversion, strongest


@dataclass(frozen=True)
class Pair:
    """A photo beside its reconstruction, and what that shows; its pictures always lie in the page.

    anchor: of its row in the gallery.
    outline: the line around what was lost, to be laid over both.
    """

    anchor: str
    index: int
    width: int
    height: int
    photo: str
    reconstruction: str
    outline: str
    source: str
    generator: str
    caption: str
    floor: str


@dataclass(frozen=True)
class Findings(Section):
    """What is claimed: of each comparison, or where there is none of the inversions.

    sentence: the first claim of the page.
    shared: what the comparisons have in common; scale: the longest bar of their distances.
    pairs: of each comparison by its anchor, None where its generator was not inverted; pair: of no comparison.
    """

    sentence: str
    note: str
    comparisons: list[Comparison]
    shared: str
    scale: float
    pairs: dict[str, Pair | None]
    pair: Pair | None

    @classmethod
    def of(cls, page: Page) -> Self:
        """Choose what stands on the first screen."""
        distribution, instances = page.section(Distribution), page.section(Instances)
        comparisons = distribution.comparisons if distribution else []
        inversions = instances.inversions if instances else []
        counts = [(row.name, row.num_short) for row in distribution.across] if distribution else []
        return cls(
            sentence=comparisons[0].headline if comparisons else lead(inversions),
            note=" ".join(view.claim for view in inversions),
            comparisons=comparisons,
            shared=words.short_everywhere(counts, len(comparisons)),
            scale=max((view.scale for view in comparisons), default=1.0),
            pairs=pairs(page.inputs.config, comparisons, page.inverted, inversions),
            pair=pair(page.inverted, inversions),
        )


def pairs(
    config: Configuration, comparisons: Sequence[Comparison], found: Sequence[Inverted], views: Sequence[Inversion]
) -> dict[str, Pair | None]:
    """The strongest pair of each comparison, by its anchor; None where its generator was not inverted."""
    chosen: dict[str, Pair | None] = {}
    for comparison in comparisons:
        generator = config.sources[comparison.generated].drawn_by
        short = [row.name for row in comparison.rows if row.verdict in words.SHORT]
        chosen[comparison.anchor] = pair([item for item in found if item.generator == generator], views, short)
    return chosen


def pair(found: Sequence[Inverted], views: Sequence[Inversion], short: Sequence[str] = ()) -> Pair | None:
    """The strongest pair of some inversions; None where nothing was lost."""
    best: Pair | None = None
    most = 0.0
    for item in found:
        found_row = None if item.is_floor else strongest(item, short)
        if found_row is None or found_row[2] - found_row[3] <= most:
            continue
        row, name, before, after = found_row
        most = before - after
        after_text = "none of it is left" if after == 0 else f"{words.area(after)} is left"
        caption = f"{name.capitalize()} covers {words.area(before)} of this photo of {item.source}; {after_text}."
        best = _pair(item, row, caption, _floor_note(views, item, name))
    return best


def lead(views: Sequence[Inversion]) -> str:
    """The first sentence of a page without comparisons."""
    photos = next((view for view in views if not view.is_floor), None)
    if photos is None:
        return "What the generator draws of its own images" if views else "Nothing was compared and nothing inverted."
    lost = [loss.name for loss in photos.losses if loss.num_lost][:3]
    if not lost:
        return f"{photos.generator} redraws the photos of {photos.source} without losing a class."
    return f"Redrawing photos of {photos.source}, {photos.generator} loses {words.listed(lost)}."


def _floor_note(views: Sequence[Inversion], item: Inverted, name: str) -> str:
    """How often the generator loses the class when it redraws its own images; empty where that is not known."""
    losses = next(view for view in views if (view.generator, view.source) == (item.generator, item.source)).losses
    loss = next(loss for loss in losses if loss.name == name)
    if not loss.floor_with:
        return ""
    return f"Redrawing its own images, it loses {name} in {loss.floor_lost} of {loss.floor_with}."


def _pair(item: Inverted, row: int, caption: str, floor: str) -> Pair:
    pictures = [thumbnail(Image.fromarray(images[row])) for images in (item.x_NHW3, item.x_hat_NHW3)]
    outline = segmentations.outline_picture(item.lost_region(row))
    index = int(item.index_N[row])
    height, width = item.x_NHW3.shape[1:3]
    photo, reconstruction, line = (embed.data_address(picture) for picture in (*pictures, outline))
    anchor = gallery.anchor(item, index)
    return Pair(anchor, index, width, height, photo, reconstruction, line, item.source, item.generator, caption, floor)
