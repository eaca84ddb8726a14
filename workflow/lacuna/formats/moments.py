"""Moments of one source's class areas (`moments`), format lacuna-moments/1.

`count` int64; `mean` float64 (C,) and `cov` float64 (C, C, divisor count - 1) in percent of image area; `classes`,
`categories` (C,) strings; attributes `image_px`, the number of pixels of an image, `unit`, and `resolutions`, lowest
and highest shorter side in pixels that the images had before they were brought to one size (none where unknown);
`content` uint64 (n,), sorted hashes of the images' pixels, and attributes `num_asked`, `num_unreadable`, `reason`,
`num_one_color`: what became of the images; `num_groups` where the source has groups.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from lacuna.areas.images_read import ImagesRead
from lacuna.areas.moments import Moments, restrict
from lacuna.errors import UserError
from lacuna.formats import hdf5
from lacuna.runtime.provenance import Provenance

FORMAT = "lacuna-moments/1"
UNIT = "percent of image area"
IMAGES = ("num_asked", "num_unreadable", "reason", "num_one_color")


@dataclass(frozen=True)
class SourceMoments:
    """Moments of one source, and which classes they are of."""

    moments: Moments
    classes: list[str]
    categories: list[str]
    image_px: int
    resolutions: tuple[int, int] | None = None
    images: ImagesRead | None = None

    def columns(self, chosen: NDArray[np.int64]) -> "SourceMoments":
        """The moments of some of the classes."""
        classes, categories = ([names[place] for place in chosen] for names in (self.classes, self.categories))
        return replace(self, moments=restrict(self.moments, chosen), classes=classes, categories=categories)


def write(path: str | Path, source: SourceMoments, provenance: Provenance) -> None:
    """Write the moments of one source."""
    arrays: dict[str, Any] = {
        "count": np.int64(source.moments.count),
        "mean": source.moments.mean,
        "cov": source.moments.cov,
        "classes": source.classes,
        "categories": source.categories,
    }
    attributes: dict[str, Any] = {"image_px": source.image_px, "unit": UNIT}
    if source.resolutions:
        attributes["resolutions"] = np.array(source.resolutions, dtype=np.int64)
    if source.images:
        arrays["content"] = source.images.content_N
        attributes |= {name: getattr(source.images, name) for name in IMAGES}
        if source.images.num_groups is not None:
            attributes["num_groups"] = source.images.num_groups
    hdf5.write(path, FORMAT, arrays, provenance, attributes)


def read(path: str | Path) -> SourceMoments:
    """Read the moments of one source.

    Raises:
        UserError: not such a file, truncated, its parts do not fit each other, or it holds NaN.
    """
    with hdf5.opened(path, FORMAT) as file:
        found = file.attrs.get("resolutions")
        source = SourceMoments(
            moments=Moments(int(file["count"][()]), file["mean"][:], file["cov"][:]),
            classes=hdf5.strings(file, "classes"),
            categories=hdf5.strings(file, "categories"),
            image_px=int(file.attrs["image_px"]),
            resolutions=None if found is None else (int(found[0]), int(found[1])),
            images=_images(file),
        )
    num_classes = len(source.classes)
    if source.moments.mean.shape != (num_classes,) or source.moments.cov.shape != (num_classes, num_classes):
        raise UserError(
            f"{path}: mean {source.moments.mean.shape} and covariance {source.moments.cov.shape} for {num_classes} "
            "classes; delete it and run moments again"
        )
    if not (np.isfinite(source.moments.mean).all() and np.isfinite(source.moments.cov).all()):
        raise UserError(f"{path}: NaN or infinity in the moments, expected numbers; delete it and run moments again")
    return source


def _images(file: h5py.File) -> ImagesRead | None:
    """What the file says of the images; None where it says nothing, as of tables that came from elsewhere."""
    if "num_asked" not in file.attrs:
        return None
    numbers: dict[str, Any] = {name: int(file.attrs[name]) for name in IMAGES if name != "reason"}
    groups = file.attrs.get("num_groups")
    numbers["num_groups"] = None if groups is None else int(groups)
    return ImagesRead(**numbers, reason=str(file.attrs["reason"]), content_N=file["content"][:])
