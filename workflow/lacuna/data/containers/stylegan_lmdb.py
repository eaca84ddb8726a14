"""An LMDB of the StyleGAN ports in PyTorch: each image at several sizes.

Keys are `256-00012`, size and number, and `length`, how many images there are; values are JPEG or PNG files. Image i is
number i at the size that the source's `stored_size` says, which may be left out where there is one.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import lmdb

from lacuna.data.containers.listing import Census, Data, Entry, Listing
from lacuna.data.containers.lmdb_file import LmdbContainer, opened, value
from lacuna.errors import UserError

LENGTH = b"length"


class StyleganLmdb(LmdbContainer):
    """Such an LMDB, at one of its sizes; images have numbers."""

    kind = "stylegan_lmdb"

    def listing(self) -> Listing:
        """As many images as `length` says.

        Raises:
            UserError: several sizes and none said, or one that is not there.
        """
        self._size()
        with opened(self.path) as environment:
            total = _length(environment)
        return Listing(total, self.files(), Census(images=total), numbered=True)

    def at(self, numbers: Sequence[int]) -> list[Entry]:
        """The images of these numbers, named by their keys."""
        size, modified_ns = self._size(), self.files()[0].modified_ns
        return [Entry(f"{size}-{number:05d}", 0, modified_ns, number) for number in numbers]

    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What gives the image file of a key."""
        return partial(value, opened(self.path))

    def _size(self) -> int:
        with opened(self.path) as environment:
            there = _sizes(environment)
        held = ", ".join(map(str, there)) or "none"
        if self.stored_size is None and len(there) != 1:
            raise UserError(f"{self.path}: images of several sizes ({held}); say one as the source's stored_size")
        if self.stored_size not in (None, *there):
            raise UserError(
                f"{self.path}: no images of {self.stored_size} pixels, those there are of {held}; correct stored_size"
            )
        return self.stored_size or there[0]


def is_stylegan(path: Path) -> bool:
    """Whether an LMDB is one of a StyleGAN port."""
    with opened(path) as environment:
        return _length(environment) > 0 and bool(_sizes(environment))


def _length(environment: lmdb.Environment) -> int:
    with environment.begin() as transaction:
        said = transaction.get(LENGTH, b"")
    return int(said) if said.isdigit() else 0


def _sizes(environment: lmdb.Environment) -> list[int]:
    """Sizes that there are images of; a key of each is looked at, not every key."""
    found = []
    with environment.begin() as transaction, transaction.cursor() as cursor:
        there = cursor.first()
        while there:
            size, dash, number = cursor.key().partition(b"-")
            if not (dash and size.isdigit() and number.isdigit()):
                break  # `length`, the last; or an LMDB of another kind
            found.append(int(size))
            there = cursor.set_range(size + b".")  # what follows the dash in ASCII
    return sorted(found)
