"""Images of containers that are cheap to read in their own order only: compressed arrays, row groups of parquet."""

import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

Stream = Callable[[Sequence[int]], Iterator[bytes | Exception]]


def served(wanted: Sequence[int], stream: Stream) -> Callable[[int], bytes]:
    """What gives the data of an image by its number.

    Images that are wanted in the container's order are passed on as they come, and only one is in memory. Those in any
    other order, as a random subset has, are first put into a temporary file in the container's order.

    Args:
        wanted: numbers of the images, in the order in which they will be asked for.
        stream: the data of images by their numbers, which rise; an exception in place of what cannot be read.
    """
    if all(one < other for one, other in pairwise(wanted)):
        return _Passed(wanted, stream)
    return _Spooled(sorted(set(wanted)), stream)


class _Passed:
    """Images as they come."""

    def __init__(self, wanted: Sequence[int], stream: Stream) -> None:
        self._wanted, self._stream = wanted, stream
        self._next, self._coming = len(wanted), iter(())  # type: tuple[int, Iterator[bytes | Exception]]

    def __call__(self, number: int) -> bytes:
        place = bisect_left(self._wanted, number)
        if place != self._next:  # from the first again, or some were left out
            self._coming = self._stream(self._wanted[place:])
        self._next = place + 1
        return _data(next(self._coming))


class _Spooled:
    """Images in a temporary file, which goes with this object."""

    def __init__(self, wanted: Sequence[int], stream: Stream) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with this object
        self._places: dict[int, tuple[int, int] | Exception] = {}
        for number, data in zip(wanted, stream(wanted), strict=True):
            if isinstance(data, Exception):
                self._places[number] = data
                continue
            self._places[number] = self._file.tell(), len(data)
            self._file.write(data)

    def __call__(self, number: int) -> bytes:
        place = self._places[number]
        if isinstance(place, Exception):
            raise place
        self._file.seek(place[0])
        return self._file.read(place[1])


def _data(found: bytes | Exception) -> bytes:
    if isinstance(found, Exception):
        raise found
    return found
