"""What a user hands over as images, made an entry of the configuration's sources.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from torch import Tensor

from lacuna.errors import UserError

KINDS = ("folder", "lsun", "table")  # of sources whose images or areas are there already
Images = str | Path | Mapping[str, Any] | NDArray[Any] | Tensor | Iterable[NDArray[Any] | Tensor]


def source(given: Images, name: str, folder: Path) -> dict[str, Any]:
    """Entry of the sources: as the user has written it, of a path, or of a .npy file in `folder` that holds the arrays.

    Args:
        given: path of a folder, archive, array or LMDB; keys of a source; images, or batches of them.
        name: what an error calls it.

    Raises:
        UserError: none of these.
    """
    if isinstance(given, Mapping):
        entry = {"kind": "folder", **given}
        if entry["kind"] not in KINDS:
            raise UserError(f"{name}: found kind {entry['kind']!r}, expected one of {', '.join(KINDS)}")
        return entry
    if isinstance(given, str | Path):
        return {"kind": "folder", "path": str(given)}
    path = folder / f"{name}.npy"
    write_npy(path, batches(given, name), name)
    return {"kind": "folder", "path": str(path)}


def batches(given: NDArray[Any] | Tensor | Iterable[NDArray[Any] | Tensor], name: str) -> Iterator[NDArray[np.uint8]]:
    """Images as uint8 (N, H, W, 3), a batch at a time."""
    whole = isinstance(given, np.ndarray | Tensor)
    for batch in [given] if whole else given:
        images = torch.as_tensor(np.asarray(batch) if not isinstance(batch, Tensor) else batch)
        yield uint8(images[None] if images.ndim == 3 else images, name).cpu().numpy()


def uint8(images: Tensor, name: str = "images") -> Tensor:
    """Images as uint8 (N, H, W, 3), where they are.

    Args:
        images: (N, H, W, 3) or (N, 3, H, W); integers of 0 to 255, or floats of 0 to 1, which are rounded.

    Raises:
        UserError: another shape, or values out of range.
    """
    found = f"{name}: found {str(images.dtype).removeprefix('torch.')} {tuple(images.shape)}"
    if images.ndim != 4 or 3 not in (images.shape[1], images.shape[3]):
        raise UserError(f"{found}, expected RGB images (N, H, W, 3) or (N, 3, H, W)")
    images_NHW3 = (images if images.shape[3] == 3 else images.permute(0, 2, 3, 1)).detach()
    if images_NHW3.dtype == torch.uint8:
        return images_NHW3.contiguous()
    highest = 1 if images.is_floating_point() else 255
    low, high = (float(end) for end in images_NHW3.aminmax())
    if not (low >= 0 and high <= highest):
        raise UserError(
            f"{found} with values from {low:.3g} to {high:.3g}, expected floats of 0 to 1 or integers of 0 to 255; "
            "bring them there, such as (x + 1) / 2 from -1 to 1"
        )
    scaled = images_NHW3.double() * 255 if images.is_floating_point() else images_NHW3
    return scaled.round().to(torch.uint8).contiguous()


def write_npy(path: Path, images: Iterable[NDArray[np.uint8]], name: str) -> None:
    """Write batches of images as one array, of which no more than a batch is in memory.

    Raises:
        UserError: there is no image, or they differ in size.
    """
    count, size = 0, None
    with open(path, "wb") as file:
        for images_NHW3 in images:
            if size is None:
                size = images_NHW3.shape[1:]
                _header(file, 0, size)
            if images_NHW3.shape[1:] != size:
                raise UserError(
                    f"{name}: found images of {images_NHW3.shape[1:3]} pixels after some of {size[:2]}, expected one "
                    "size; give a folder of files, which may have several"
                )
            file.write(images_NHW3.tobytes())
            count += len(images_NHW3)
        if size is None:
            raise UserError(f"{name}: found no image, expected at least one")
        file.seek(0)
        _header(file, count, size)


def _header(file: Any, count: int, size: tuple[int, ...]) -> None:
    """The head of a .npy file, which numpy pads so that the first axis may grow."""
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (count, *size)})
