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
from collections.abc import Mapping, Sequence
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
ARRAYS = ("x", "x_hat", "z0", "z", "r0", "r", "loss", "index", "converged")  # a row an image


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


def read(path: str | Path) -> Inversions:
    """Read one shard.

    Raises:
        UserError: not such a file, or truncated.
    """
    with hdf5.opened(path, FORMAT) as file:
        attributes = file.attrs
        return Inversions(
            **{name: file[name][:] for name in ARRAYS},
            steps=file["steps"][:],
            terms=tuple(str(term) for term in attributes["terms"]),
            method=str(attributes["method"]),
            layer=int(attributes["layer"]),
            residuals={int(k): file[f"d_{k}"][:] for k in attributes["residual_layers"]},
        )


def read_shards(folder: str | Path, count: int, shard_size: int) -> Inversions:
    """All inversions of one source by one method.

    Raises:
        UserError: there is none, as no image could be read.
    """
    found = merge([read(path) for path in shard_paths(folder, count, shard_size)])
    if not len(found.index):
        raise UserError(f"{folder}: none of the {count} images could be read, as the logs of invert say; replace them")
    return found


def empty(size: int, shapes: Sequence[tuple[int, ...]], residual_layers: Sequence[int], **same: Any) -> Inversions:
    """What a shard holds of whose images none can be read.

    Args:
        size: pixels a side.
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
        provenance: of the inversions wanted, its inputs all but the images; a shard of any other is not looked at.
    """
    parts = []
    for other in sorted(Path(path).parent.glob("*.h5")):
        try:
            if _is_of(other, provenance):
                parts.append(read(other))
        except UserError as error:
            log.warning("not looked at for finished images: %s", error)
    if not parts:
        return None
    found = merge(parts)
    pictures = {int(number): x_HW3 for number, x_HW3 in zip(index_N, x_NHW3, strict=True)}
    rows = {
        int(number): row for row, number in enumerate(found.index)
        if int(number) in pictures and np.array_equal(found.x[row], pictures[int(number)])
    }  # fmt: skip
    return take(found, list(rows.values())) if rows else None


def _is_of(path: Path, provenance: Provenance) -> bool:
    with hdf5.opened(path, FORMAT) as file:
        found = dict(file.attrs)
    wanted = provenance.attributes()
    inputs = json.loads(str(wanted.pop("inputs"))).items()
    same = all(found.get(name) == value for name, value in wanted.items())
    return same and inputs <= json.loads(found["inputs"]).items()


def take(found: Inversions, rows: Sequence[int]) -> Inversions:
    """Some of the images, in the order of `rows`."""
    arrays: dict[str, Any] = {name: getattr(found, name)[list(rows)] for name in ARRAYS}
    return replace(found, **arrays, residuals={k: d[list(rows)] for k, d in found.residuals.items()})


def ordered(found: Inversions) -> Inversions:
    """The images in the order of their numbers."""
    return take(found, np.argsort(found.index, kind="stable").tolist())


def merge(parts: Sequence[Inversions]) -> Inversions:
    """Shards as one; all of one method and the same settings."""
    first = parts[0]
    for part in parts:
        if (part.method, part.layer, part.terms, list(part.residuals)) != (
            first.method, first.layer, first.terms, list(first.residuals),
        ):  # fmt: skip
            raise UserError(f"shards of {first.method} and {part.method}, or of other settings; run invert again")
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    residuals = {k: np.concatenate([part.residuals[k] for part in parts]) for k in first.residuals}
    return replace(first, **joined, residuals=residuals)
