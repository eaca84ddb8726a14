"""One file out of a zip file, whole or not at all."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from lacuna.errors import UserError
from lacuna.formats.files import atomic


def unpack(archive: Path, target: Path) -> None:
    """Write the archive's only file of `target`'s name to `target`; folders in the archive do not matter.

    Raises:
        UserError: no zip file, or not one such file in it.
    """
    if not zipfile.is_zipfile(archive):
        raise UserError(f"{archive}: no zip file, expected one with {target.name}; delete it and run fetch again")
    with zipfile.ZipFile(archive) as file:
        members = [member for member in file.infolist() if PurePosixPath(member.filename).name == target.name]
        if len(members) != 1:
            raise UserError(f"{archive}: holds {len(members)} files {target.name}, expected one; is it the right file?")
        with atomic(target) as partial, file.open(members[0]) as source, partial.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
