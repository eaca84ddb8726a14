"""An .npz file of images, uint8 (N, H, W, 3), as samplers of diffusion models and ADM's reference batches have them.

The images are the array arr_0, or the only one of that type and shape; labels, where there are any, are arr_1. An array
that is stored is mapped into memory; one that is compressed is unpacked as far as it is asked for, an image at a time.
Nothing pickled is read.

Shape suffixes: N images, H height, W width.
"""

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lacuna.data.containers import npy_file
from lacuna.data.containers.in_order import served
from lacuna.data.containers.listing import Census, Container, Data, Entry, Labels, Listing
from lacuna.data.containers.npy_file import Header
from lacuna.data.containers.zip_file import opened
from lacuna.errors import UserError

IMAGES, LABELS = "arr_0", "arr_1"
LOCAL_HEADER = 30  # bytes of a zip member's own header, before its name and its extra field


class NpzFile(Container):
    """An .npz file of images, which have numbers."""

    kind = "npz"

    def listing(self) -> Listing:
        """As many images as the array is long."""
        total = self._images()[1].shape[0]
        return Listing(total, self.files(), Census(images=total), numbered=True)

    def at(self, numbers: Sequence[int]) -> list[Entry]:
        """The images of these numbers, named by them."""
        return npy_file.entries(numbers, self._images()[1], self.files()[0])

    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What gives an image by its number."""
        member, found = self._images()
        if member.compress_type == zipfile.ZIP_STORED:
            return npy_file.mapped(str(self.path), found, self._start(member))
        if found.fortran:
            raise UserError(f"{self.path}: compressed, in Fortran order; save it again with numpy.savez")
        serve = served([entry.start for entry in wanted], lambda numbers: self._unpacked(member, found, numbers))
        shape = found.shape[1:]
        return lambda name: np.frombuffer(serve(int(name)), np.uint8).reshape(shape)

    def labels(self) -> Labels | None:
        """The labels in arr_1, integers from 0, which are their own names.

        Raises:
            UserError: there are none, or they do not fit the images.
        """
        total = self._images()[1].shape[0]
        with opened(self.path) as archive:
            headers = self._headers(archive)
            if LABELS not in headers:
                raise UserError(f"{self.path}: no {LABELS} in it, expected the label of each image; save it with them")
            found = headers[LABELS]
            if found.dtype.kind not in "iu" or found.shape != (total,):
                raise UserError(
                    f"{self.path}: {LABELS} is {found.words}, expected the label of each image, integers ({total},)"
                )
            with archive.open(f"{LABELS}.npy") as file:
                codes_N = np.lib.format.read_array(file, allow_pickle=False)
        if codes_N.min() < 0:
            raise UserError(f"{self.path}: {LABELS} holds {codes_N.min()}, expected labels from 0; give each image one")
        return Labels(codes_N.tolist(), [str(code) for code in range(int(codes_N.max()) + 1)])

    def _images(self) -> tuple[zipfile.ZipInfo, Header]:
        """The member that holds the images, and its header."""
        with opened(self.path) as archive:
            headers = self._headers(archive)
            stacks = [name for name, found in headers.items() if found.is_images]
            name = IMAGES if IMAGES in headers or len(stacks) != 1 else stacks[0]
            if name not in headers:
                held = ", ".join(f"{one} {found.words}" for one, found in headers.items()) or "no arrays"
                raise UserError(f"{self.path}: holds {held}, expected {IMAGES} of images as uint8 (N, H, W, 3)")
            return archive.getinfo(f"{name}.npy"), headers[name].images(f"{self.path}: {name}")

    def _headers(self, archive: zipfile.ZipFile) -> dict[str, Header]:
        """Header of each array by its name."""
        found = {}
        for member in archive.infolist():
            name, _, kind = member.filename.rpartition(".")
            if kind == "npy":
                with archive.open(member) as file:
                    found[name] = npy_file.header(file, f"{self.path}: {name}")
        return found

    def _start(self, member: zipfile.ZipInfo) -> int:
        """Where in the file a stored member begins."""
        with self.path.open("rb") as file:
            file.seek(member.header_offset)
            head = file.read(LOCAL_HEADER)
        return member.header_offset + LOCAL_HEADER + sum(int.from_bytes(head[at : at + 2], "little") for at in (26, 28))

    def _unpacked(self, member: zipfile.ZipInfo, found: Header, numbers: Sequence[int]) -> Iterator[bytes | Exception]:
        """The values of some images out of a compressed array; after damage nothing more can be read."""
        size = math.prod(found.shape[1:])
        with opened(self.path) as archive, archive.open(member) as file:
            damage: Exception | None = None
            for number in numbers:
                try:
                    if damage is None:
                        file.seek(found.start + number * size)
                        data = file.read(size)
                except (zlib.error, zipfile.BadZipFile, EOFError) as error:
                    damage = UserError(f"damaged data in the file ({error})")
                yield damage or data
