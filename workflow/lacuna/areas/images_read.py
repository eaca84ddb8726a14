"""What became of the images of a source: read, left out, identical, of one color; and what a reader must be told of it.

Shape suffixes: N images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORTH_A_WARNING = 0.01  # share of the images
WORTH_THE_HEADLINE = 0.05


@dataclass(frozen=True)
class ImagesRead:
    """Numbers of images of one source.

    Attributes:
        num_asked: images that were looked at.
        num_unreadable: of these, left out, each named in its table with the reason.
        reason: the commonest reason; empty where none was left out.
        num_one_color: all pixels of which are equal.
        content_N: a hash of the pixels of each image that was read, uint64, sorted; empty where they are not known.
        num_groups: groups that the images fall into, which alone are independent; None where images are.
    """

    num_asked: int
    num_unreadable: int
    reason: str
    num_one_color: int
    content_N: NDArray[np.uint64]
    num_groups: int | None = None

    @property
    def num_distinct(self) -> int | None:
        """Images that differ in a pixel; None where that is not known."""
        return len(np.unique(self.content_N)) if len(self.content_N) else None

    def summary(self) -> dict[str, int | str | None]:
        """The numbers, as a summary file states them."""
        return {
            "num_asked": self.num_asked,
            "num_unreadable": self.num_unreadable,
            "reason": self.reason,
            "num_distinct": self.num_distinct,
            "num_one_color": self.num_one_color,
            "num_groups": self.num_groups,
        }

    def warnings(self, name: str) -> list[str]:
        """What of it a reader must know; `name` is real or generated."""
        found = []
        if self.num_unreadable > WORTH_A_WARNING * self.num_asked:
            found.append(lost(name, self.num_unreadable, self.num_asked) + f" ({self.reason})")
        if self.num_distinct is not None and self.num_distinct < len(self.content_N):
            copies = f"{len(self.content_N) - self.num_distinct} of {len(self.content_N)} {name} images"
            taken = "images" if self.num_groups is None else "groups"
            found.append(f"{copies} are copies of others; intervals take all {taken} for independent")
        if self.num_one_color > WORTH_A_WARNING * self.num_asked:
            found.append(f"{self.num_one_color} of {self.num_asked} {name} images are of one color")
        return found


def lost(name: str, num_unreadable: int, num_asked: int) -> str:
    """One clause on images that could not be read."""
    return f"{num_unreadable} of {num_asked} {name} images could not be read"


def pixels_hash(images_NHW3: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of each image's pixels, (N,): equal for equal images, and for others with chance 2^-64."""
    digests = [blake2b(np.ascontiguousarray(image).tobytes(), digest_size=8).digest() for image in images_NHW3]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def one_color(images_NHW3: NDArray[np.uint8]) -> int:
    """How many images have equal pixels everywhere."""
    return int((images_NHW3 == images_NHW3[:, :1, :1]).all(axis=(1, 2, 3)).sum())


def num_shared(real: ImagesRead | None, generated: ImagesRead | None) -> int | None:
    """Generated images that are identical to a real one; None where that is not known."""
    if real is None or generated is None or not (len(real.content_N) and len(generated.content_N)):
        return None
    return int(np.isin(generated.content_N, real.content_N).sum())


def same_images(real: ImagesRead | None, generated: ImagesRead | None) -> bool:
    """Whether both sides hold the same images, each as often, in whatever order."""
    return bool(num_shared(real, generated)) and np.array_equal(real.content_N, generated.content_N)  # type: ignore[union-attr]


def image_warnings(real: ImagesRead | None, generated: ImagesRead | None) -> list[str]:
    """What a reader must know of the images of both sides, where anything is known of them."""
    found = [warning for name, side in (("real", real), ("generated", generated)) if side
             for warning in side.warnings(name)]  # fmt: skip
    shared = num_shared(real, generated)
    if generated is None or not shared:
        return found
    same = "both sides hold the same images, so their distance is 0"
    some = f"{shared} of {len(generated.content_N)} generated images are also among the real ones"
    return [*found, same if same_images(real, generated) else some]


def headline(sides: Mapping[str, Mapping[str, Any]]) -> str:
    """What a page says first where a side has lost more than a few of its images; empty otherwise.

    Args:
        sides: `ImagesRead.summary` by name of the side, real and generated.
    """
    found = [
        lost(name, side["num_unreadable"], side["num_asked"])
        for name, side in sides.items()
        if side["num_unreadable"] > WORTH_THE_HEADLINE * side["num_asked"]
    ]
    return f"{' and '.join(found)}: what follows is about the rest." if found else ""


def by_group(sides: Mapping[str, Mapping[str, Any]]) -> str:
    """What a page says of images that are not independent; empty where all are."""
    known = {name: side["num_groups"] for name, side in sides.items() if side.get("num_groups") is not None}
    found = [f"{count} group{'s' if count > 1 else ''} of {name} images" for name, count in known.items()]
    return f"Intervals and tests go by group: {' and '.join(found)}." if found else ""
