"""A .npy file of images, uint8 (N, H, W, 3). It is mapped into memory, never loaded; nothing pickled is read.

Shape suffixes: N images, H height, W width.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lacuna.data.containers.listing import Census, Container, Data, Entry, Labels, Listing
from lacuna.data.decoding import SMALLEST_SIDE_PX
from lacuna.errors import UserError

MARK = npy.MAGIC_PREFIX


@dataclass(frozen=True)
class Header:
    """What a .npy file says of its array."""

    dtype: "np.dtype[np.generic]"
    shape: tuple[int, ...]
    fortran: bool
    start: int  # bytes before the first value

    @property
    def words(self) -> str:
        """Type and shape."""
        return f"{self.dtype} {self.shape}"

    @property
    def is_images(self) -> bool:
        """Whether the array holds 8-bit RGB images."""
        return self.dtype == np.uint8 and len(self.shape) == 4 and self.shape[3] == 3

    def images(self, where: str) -> "Header":
        """The same, of an array of images.

        Raises:
            UserError: it holds something else.
        """
        if self.is_images and min(self.shape[1:3]) >= SMALLEST_SIDE_PX:
            return self
        if self.dtype.hasobject:
            advice = "pickled objects are not read; save the images as one array"
        elif self.dtype != np.uint8:
            advice = "bring the values to 0 to 255 as they are meant, with .round().astype(numpy.uint8)"
        elif len(self.shape) == 4 and self.shape[1] == 3:
            advice = "swap its axes with .transpose(0, 2, 3, 1)"
        else:
            advice = f"images are RGB and at least {SMALLEST_SIDE_PX} pixels per side"
        raise UserError(f"{where}: {self.words}, expected images as uint8 (N, H, W, 3); {advice}")


class NpyFile(Container):
    """A .npy file of images, which have numbers."""

    kind = "npy"

    def listing(self) -> Listing:
        """As many images as the array is long."""
        total = self._header().shape[0]
        return Listing(total, self.files(), Census(images=total), numbered=True)

    def at(self, numbers: Sequence[int]) -> list[Entry]:
        """The images of these numbers, named by them."""
        return entries(numbers, self._header(), self.files()[0])

    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What copies an image out of the array."""
        return mapped(str(self.path), self._header())

    def labels(self) -> Labels | None:
        """None: there is but one array in such a file."""
        raise UserError(f"{self.path}: a .npy file holds no labels; give an .npz of arr_0 images and arr_1 labels")

    def _header(self) -> Header:
        with self.path.open("rb") as file:
            found = header(file, str(self.path)).images(str(self.path))
        if self.path.stat().st_size < found.start + math.prod(found.shape):
            raise UserError(f"{self.path}: cut short of its {found.shape[0]} images; copy or download it again")
        return found


def header(file: IO[bytes], where: str) -> Header:
    """Read the header of a .npy file.

    Raises:
        UserError: there is none.
    """
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise UserError(f"{where}: a damaged array ({error}); copy or download it again") from None
    return Header(dtype, shape, fortran, file.tell())


def entries(numbers: Sequence[int], found: Header, file: Entry) -> list[Entry]:
    """Images of an array, named by their numbers."""
    size = math.prod(found.shape[1:])
    return [Entry(str(number), size, file.modified_ns, number) for number in numbers]


def mapped(path: str, found: Header, start: int = 0) -> Callable[[str], NDArray[np.uint8]]:
    """What copies an image out of the array that begins at byte `start` of a file."""
    array_NHW3 = np.memmap(path, np.uint8, "r", start + found.start, found.shape, "F" if found.fortran else "C")
    return lambda name: np.array(array_NHW3[int(name)], order="C")
