"""An LSUN category as it is shipped: an LMDB whose values are WebP (or JPEG) files, and any other LMDB of image files.

Image i is the i-th key in the LMDB's own order, which is that of the file names where LSUN is exported to a folder.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from lacuna.data.containers.listing import Census, Data, Entry, Listing
from lacuna.data.containers.lmdb_file import LmdbContainer, opened, value


class Lsun(LmdbContainer):
    """An LMDB all of whose values are images, which have numbers."""

    kind = "lsun"

    def listing(self) -> Listing:
        """As many images as the LMDB has values."""
        with opened(self.path) as environment:
            total = int(environment.stat()["entries"])
        return Listing(total, self.files(), Census(images=total), numbered=True)

    def at(self, numbers: Sequence[int]) -> list[Entry]:
        """The images of these numbers, named by their keys.

        An LMDB has no index by position, so all keys before are passed over; only those asked for are held in memory.
        """
        found: dict[int, str] = {}
        with opened(self.path) as environment, environment.begin() as transaction, transaction.cursor() as cursor:
            keys = cursor.iternext(keys=True, values=False)
            passed = 0
            for number in sorted(numbers):
                found[number] = next(islice(keys, number - passed, None)).decode("ascii", "backslashreplace")
                passed = number + 1
        modified_ns = self.files()[0].modified_ns
        return [Entry(found[number], 0, modified_ns, number) for number in numbers]

    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What gives the image file of a key."""
        return partial(value, opened(self.path))
