"""Where the pictures of the galleries lie: in the page, or beside it where they would make the page heavy.

A page with few inverted images holds them all. Of many, the strongest are in the page; the others are files beside it,
which a browser loads when they come into view.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from lacuna.report.figures import embed

ALL_INSIDE = 64  # inverted images of a page that all lie inside it
FIRST_INSIDE = 12  # of each gallery, where there are more
THUMB_PX = 256  # side up to which pictures are shown in a row; larger ones are shown whole when enlarged


@dataclass(frozen=True)
class Album:
    """Pictures of one page.

    folder: for those beside the page; None where all have to be inside.
    address: that folder as seen from the page.
    num_inside: how many images of each gallery lie inside the page.
    """

    folder: Path | None
    address: str
    num_inside: int

    def picture(self, picture: Image.Image, name: str, inside: bool) -> str:
        """Address of a picture as it is shown in a row; `name` is that of its file, without suffix."""
        small = thumbnail(picture)
        return embed.data_address(small) if inside or self.folder is None else self._file(small, name)

    def whole(self, picture: Image.Image, name: str) -> str:
        """Address of a picture that is larger than a row shows it; empty where it is not, or where no file may be."""
        return self._file(picture, f"{name}_whole") if self.folder and max(picture.size) > THUMB_PX else ""

    def _file(self, picture: Image.Image, name: str) -> str:
        assert self.folder is not None, "only an album with a folder has files"
        content, kind = embed.encoded(picture)
        path = self.folder / f"{name}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return quote(f"{self.address}/{name}.{kind}")


def album(num_images: int, folder: Path | None, page: Path) -> Album:
    """The album of a page with so many inverted images; `folder` is that of the files beside the page."""
    beside = Path(os.path.relpath(folder, page.parent)).as_posix() if folder else ""
    gallery = folder / "gallery" if folder else None
    return Album(gallery, f"{beside}/gallery", num_images if num_images <= ALL_INSIDE else FIRST_INSIDE)


def thumbnail(picture: Image.Image, side: int = THUMB_PX) -> Image.Image:
    """The picture, shrunk to at most this side; label maps keep their colours."""
    shrink = side / max(picture.size)
    if shrink >= 1:
        return picture
    size = (round(picture.width * shrink), round(picture.height * shrink))
    return picture.resize(size, Image.Resampling.NEAREST if picture.mode == "P" else Image.Resampling.LANCZOS)
