"""The methods of inversion side by side: one image per row, one method per column."""

from dataclasses import dataclass

from matplotlib.figure import Figure
from PIL import Image

from lacuna.report.album import thumbnail
from lacuna.report.figures import embed
from lacuna.report.figures.inversions import methods_figure
from lacuna.report.reading import Inverted


@dataclass(frozen=True)
class MethodRow:
    """One image, and what each method made of it: (method, address) each, the image itself first."""

    index: int
    width: int
    height: int
    pictures: list[tuple[str, str]]


def rows(item: Inverted) -> list[MethodRow]:
    """The first images of a source; none where there is but one method."""
    height, width = item.x_NHW3.shape[1:3]
    count = min((len(images) for images in item.methods.values()), default=0)
    columns = {"photo": item.x_NHW3, **item.methods}
    return [
        MethodRow(
            int(item.index_N[row]),
            width,
            height,
            [(name, embed.data_address(thumbnail(Image.fromarray(x[row])))) for name, x in columns.items()],
        )
        for row in range(count)
    ]


def figure(item: Inverted) -> Figure | None:
    """The same for papers."""
    count = min((len(images) for images in item.methods.values()), default=0)
    if not count:
        return None
    return methods_figure({"photo": item.x_NHW3[:count]} | {name: x[:count] for name, x in item.methods.items()})
