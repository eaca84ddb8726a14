"""A zip file of image files. Image i is the i-th member by name."""

import operator
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from lacuna.data.containers.listing import SUFFIXES, Census, Container, Data, Entry, Listing, is_hidden, suffix
from lacuna.errors import UserError

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class ZipArchive(Container):
    """A zip file; names of folders in it count as those of a folder do."""

    kind = "zip"

    def listing(self) -> Listing:
        """The image files in it, sorted by name."""
        seen, modified = Census(), self.path.stat().st_mtime_ns
        with opened(self.path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
        chosen = {member.filename: member for member in members if seen.counts(member.filename)}
        images = (member.filename for member in members if suffix(member.filename) in SUFFIXES)
        seen.repeated = sum(not is_hidden(name) for name in images) - len(chosen)
        seen.images = len(chosen)
        entries = [Entry(name, member.file_size, modified) for name, member in chosen.items()]
        return Listing(len(entries), sorted(entries, key=operator.attrgetter("name")), seen)

    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What unpacks a member by its name."""
        return opened(self.path).read


def opened(path: Path) -> zipfile.ZipFile:
    """The zip file, of which every member can be read.

    Raises:
        UserError: it is cut, encrypted, or compressed in a way that is not read.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise UserError(f"{path}: a damaged zip file ({error}); copy or download it again") from None
    for member in archive.infolist():
        if member.flag_bits & 1:
            raise UserError(f"{path}: an encrypted zip file; unpack it to a folder, and give that")
        if member.compress_type not in METHODS:
            raise UserError(
                f"{path}: compressed by method {member.compress_type}, which is not read; pack it again, or unpack it"
            )
    return archive
