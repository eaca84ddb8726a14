"""Inversion shards (`invert`), format lacuna-inversions/1.

`x`, `x_hat` uint8 (n, H, W, 3); `z0`, `z` float32 (n, d), start and end; `r0`, `r` float32 (n, C, h, w), r_n of start
and end; `d_K` float32 (n, ...), the residual of layer K; `residual_norm` float32 (n, layers), Euclidean, in the order
of attribute `residual_layers`; `loss` float32 (n, steps logged, terms), in the order of attribute `terms`, NaN from
where an image was given up; `steps` int64 (steps logged,); `index` int64 (n,); `converged` bool (n,).
Attributes `method`, `layer` (n of r_n). No array of an image depends on the other images of its shard.
"""

import json
import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import hdf5
from lacuna.runtime.provenance import Provenance

log = logging.getLogger(__name__)
FORMAT = "lacuna-inversions/1"
ARRAYS = ("x", "x_hat", "z0", "z", "r0", "r", "loss", "index", "converged")  # one row per image
ALL = (*ARRAYS, "residuals")
SMALL = ("index", "converged")  # read whatever is asked for


@dataclass(frozen=True)
class Inversions:
    """Inversions of n images by one method; see the module for shapes."""

    x: NDArray[np.uint8]
    x_hat: NDArray[np.uint8]
    z0: NDArray[np.float32]
    z: NDArray[np.float32]
    r0: NDArray[np.float32]
    r: NDArray[np.float32]
    loss: NDArray[np.float32]
    index: NDArray[np.int64]
    converged: NDArray[np.bool_]
    steps: NDArray[np.int64]
    terms: tuple[str, ...]
    method: str
    layer: int
    residuals: dict[int, NDArray[np.float32]] = field(default_factory=dict)


def write(path: str | Path, found: Inversions, provenance: Provenance, note: Mapping[str, int] | None = None) -> None:
    """Write one shard; `note` holds what else there is to say of how it was made."""
    arrays: dict[str, Any] = {name: getattr(found, name) for name in ARRAYS} | {"steps": found.steps}
    arrays |= {f"d_{k}": residual for k, residual in found.residuals.items()}
    arrays["residual_norm"] = np.empty((len(found.index), len(found.residuals)), dtype=np.float32)
    for column, residual in enumerate(found.residuals.values()):
        arrays["residual_norm"][:, column] = np.linalg.norm(
            residual.reshape(len(residual), math.prod(residual.shape[1:])).astype(np.float64), axis=1
        )
    attributes = {
        "terms": list(found.terms), "residual_layers": np.array(list(found.residuals), dtype=np.int64),
        "method": found.method, "layer": found.layer, **(note or {}),
    }  # fmt: skip
    hdf5.write(path, FORMAT, arrays, provenance, attributes)


def read(path: str | Path, names: Collection[str] = ALL) -> Inversions:
    """Read one shard.

    Args:
        names: the arrays that are wanted beside `index` and `converged`, `residuals` for all d_K. Of the others nothing
            is read: they have a row for each image and no number in it, (n, 0).

    Raises:
        UserError: not such a file, or truncated.
    """
    return _joined([path], names)


def read_shards(folder: str | Path, count: int, shard_size: int, names: Collection[str] = ALL) -> Inversions:
    """All inversions of one source by one method; see `read`. Memory holds each array that is wanted once.

    Raises:
        UserError: there is none, as no image could be read.
    """
    found = _joined(shard_paths(folder, count, shard_size), names)
    if not len(found.index):
        raise UserError(f"{folder}: none of the {count} images could be read, as the logs of invert say; replace them")
    return found


def _joined(paths: Sequence[str | Path], names: Collection[str]) -> Inversions:
    """The shards as one, each read straight into its place."""
    heads = [_head(path) for path in paths]
    check_alike(heads)
    first, count = heads[0], sum(len(head.index) for head in heads)
    layers = list(first.residuals) if "residuals" in names else []
    wanted = [*(name for name in ARRAYS if name in names and name not in SMALL), *(f"d_{k}" for k in layers)]
    arrays, start = dict[str, Any](), 0
    for path, head in zip(paths, heads, strict=True):
        place = np.s_[start : start + len(head.index)]
        with hdf5.opened(path, FORMAT) as file:
            for name in wanted:
                if name not in arrays:
                    arrays[name] = np.empty((count, *file[name].shape[1:]), file[name].dtype)
                file[name].read_direct(arrays[name], dest_sel=place)
        start = place.stop
    residuals = {k: arrays.pop(f"d_{k}") for k in layers}
    small = {name: np.concatenate([getattr(head, name) for head in heads]) for name in SMALL}
    nothing = dict.fromkeys(ARRAYS, np.empty((count, 0), dtype=np.float32))
    return replace(first, **(nothing | arrays | small), residuals=residuals)


def _head(path: str | Path) -> Inversions:
    """What is small: numbers of the images, and what was searched how."""
    with hdf5.opened(path, FORMAT) as file:
        small: dict[str, Any] = {name: file[name][:] for name in SMALL}
        empty = np.empty((len(small["index"]), 0), dtype=np.float32)
        return Inversions(
            **(dict.fromkeys(ARRAYS, empty) | small),
            steps=file["steps"][:],
            terms=tuple(str(term) for term in file.attrs["terms"]),
            method=str(file.attrs["method"]),
            layer=int(file.attrs["layer"]),
            residuals={int(k): empty for k in file.attrs["residual_layers"]},
        )


def empty(size: int, shapes: Sequence[tuple[int, ...]], residual_layers: Sequence[int], **same: Any) -> Inversions:
    """What a shard holds of whose images none can be read.

    Args:
        size: pixels per side.
        shapes: of one image's r_0 = z to r_n.
        same: what is the same for all images of a shard, `steps` and `terms` among it.
    """
    pixels = np.empty((0, size, size, 3), np.uint8)
    z, r = (np.empty((0, *shape), np.float32) for shape in (shapes[0], shapes[-1]))
    return Inversions(
        x=pixels, x_hat=pixels, z0=z, z=z, r0=r, r=r, index=np.empty(0, np.int64), converged=np.empty(0, np.bool_),
        loss=np.empty((0, len(same["steps"]), len(same["terms"])), np.float32),
        residuals={k: np.empty((0, *shapes[k]), np.float32) for k in residual_layers}, **same,
    )  # fmt: skip


def earlier(
    path: str | Path, provenance: Provenance, x_NHW3: NDArray[np.uint8], index_N: NDArray[np.int64]
) -> Inversions | None:
    """Those of the images that other shards beside `path` hold already: a shard that has grown needs only the rest.

    Args:
        provenance: of the inversions wanted, its inputs all but the images; a shard of any other is not looked at. The
            batch size that was asked for is part of it, since it changes results within float error.
    """
    pictures = {int(number): x_HW3 for number, x_HW3 in zip(index_N, x_NHW3, strict=True)}
    wanted, parts = provenance.attributes(), list[Inversions]()
    for other in sorted(Path(path).parent.glob("*.h5")):
        try:
            if not _is_of(other, wanted):
                continue
            found = read(other, ("x",))
            rows = [
                row for row, number in enumerate(found.index.tolist())
                if number in pictures and np.array_equal(found.x[row], pictures[number])
            ]  # fmt: skip
            parts += [take(read(other), rows)] if rows else []
            pictures = {number: x_HW3 for number, x_HW3 in pictures.items() if number not in found.index[rows]}
        except UserError as error:
            log.warning("not looked at for finished images: %s", error)
    return merge(parts) if parts else None


def _is_of(path: Path, wanted: Mapping[str, str | int]) -> bool:
    with hdf5.opened(path, FORMAT) as file:
        found = dict(file.attrs)
    same = all(found.get(name) == value for name, value in wanted.items() if name != "inputs")
    return same and json.loads(str(wanted["inputs"])).items() <= json.loads(found["inputs"]).items()


def take(found: Inversions, rows: Sequence[int]) -> Inversions:
    """Some of the images, in the order of `rows`."""
    arrays: dict[str, Any] = {name: getattr(found, name)[list(rows)] for name in ARRAYS}
    return replace(found, **arrays, residuals={k: d[list(rows)] for k, d in found.residuals.items()})


def ordered(found: Inversions) -> Inversions:
    """The images in the order of their numbers."""
    if (np.diff(found.index) > 0).all():
        return found
    return take(found, np.argsort(found.index, kind="stable").tolist())


def merge(parts: Sequence[Inversions]) -> Inversions:
    """Shards as one; all of one method and the same settings."""
    check_alike(parts)
    first = parts[0]
    if len(parts) == 1:
        return first
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    residuals = {k: np.concatenate([part.residuals[k] for part in parts]) for k in first.residuals}
    return replace(first, **joined, residuals=residuals)


def check_alike(parts: Sequence[Inversions]) -> None:
    """Refuse shards of other methods, layers or terms than the first.

    Raises:
        UserError: one is.
    """
    first = parts[0]
    for part in parts:
        if (part.method, part.layer, part.terms, list(part.residuals)) != (
            first.method, first.layer, first.terms, list(first.residuals),
        ):  # fmt: skip
            raise UserError(f"shards of {first.method} and {part.method}, or of other settings; run invert again")
