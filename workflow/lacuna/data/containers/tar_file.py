"""A tar file of image files, not compressed. Image i is the i-th member by name.

The file is passed over once, for the headers; an image is then read from where it lies. What is compressed as a whole
could only be read from its start, by every job, so it is refused.
"""

import operator
import tarfile
from collections.abc import Callable, Iterator, Sequence

from lacuna.data.containers.listing import SUFFIXES, Census, Container, Data, Entry, Listing, suffix
from lacuna.errors import UserError


class TarArchive(Container):
    """A tar file; names of folders in it count as those of a folder do, the last of one name counts."""

    kind = "tar"

    def listing(self) -> Listing:
        """The image files in it, sorted by name.

        Raises:
            UserError: it is cut or damaged.
        """
        seen, modified = Census(), self.path.stat().st_mtime_ns
        found: dict[str, Entry] = {}
        num_images = 0
        for member in self._members():
            name = _plain(member.name)
            if member.isdir() or not seen.counts(name):
                continue
            if member.islnk() and (target := found.get(_plain(member.linkname))):
                entry = Entry(name, target.size, modified, target.start)
            elif member.isreg() and not member.issparse():
                entry = Entry(name, member.size, modified, member.offset_data)
            else:
                seen.dangling += suffix(name) in SUFFIXES
                continue
            num_images += 1
            found[name] = entry
        seen.images, seen.repeated = len(found), num_images - len(found)
        return Listing(len(found), sorted(found.values(), key=operator.attrgetter("name")), seen)

    def _members(self) -> Iterator[tarfile.TarInfo]:
        """The headers in their order; none is kept, as there may be millions."""
        damaged = f"{self.path}: a damaged tar file"
        try:
            with tarfile.open(self.path, "r:") as archive:
                while (member := archive.next()) is not None:
                    yield member
                    archive.members = []  # type: ignore[attr-defined]
                end = archive.offset
        except tarfile.TarError as error:
            raise UserError(f"{damaged} ({error}); copy or download it again") from None
        with self.path.open("rb") as file:
            file.seek(end)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0") or file.tell() == end:
                raise UserError(f"{damaged} (no end mark); copy or download it again")

    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What reads a member from where it lies."""
        by_name = {entry.name: entry for entry in wanted}
        file = self.path.open("rb")

        def read(name: str) -> bytes:
            file.seek(by_name[name].start)
            return file.read(by_name[name].size)

        return read


def _plain(name: str) -> str:
    """A name as it is in a folder, without the `./` that `tar -C folder .` puts first."""
    return name.removeprefix("./")
