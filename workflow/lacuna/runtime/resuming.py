"""Downloads that go on where they broke off, as a downloader for pooch.

What has come is kept in a folder, with the address it came from. The next try asks for the rest alone (HTTP Range);
where the server ignores that, or the file has changed since, it starts over.
"""

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm

from lacuna.runtime import command

log = logging.getLogger(__name__)
TIMEOUT_S = 30.0  # of silence, not of the whole download
CHUNK_BYTES = 1 << 16
TRIES_WITHOUT_GROWTH = 3
PAUSE_S = 1.0  # before the first such try; doubled each time
BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass
class ResumingDownloader:
    """Bring a file to `folder`, then to where pooch wants it.

    Attributes:
        folder: holds `content`, what has come, and `origin.json`, from where.
        name: of the file, for the progress bar.
        hash_known: the whole will be checked, so that a part from one mirror may be completed from another.
        resumed: whether the last download went on from a part.
    """

    folder: Path
    name: str
    hash_known: bool
    resumed: bool = False

    @property
    def content(self) -> Path:
        """What has come so far."""
        return self.folder / "content"

    def size(self) -> int:
        """Bytes that have come so far."""
        return self.content.stat().st_size if self.content.exists() else 0

    def __call__(self, url: str, output_file: str, pooch: object = None, check_only: bool = False) -> None:
        """Download `url`; a connection that breaks off after bytes have come is taken up again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.resumed = False
        most, tries = self.size(), 0
        while True:
            try:
                self._go_on(url)
                break
            except BROKEN as error:
                tries = TRIES_WITHOUT_GROWTH if self.size() > most else tries - 1
                if tries <= 0:
                    raise
                most = max(most, self.size())
                log.info("%s: broken off after %d bytes (%s), going on", self.name, self.size(), type(error).__name__)
                time.sleep(PAUSE_S * 2 ** (TRIES_WITHOUT_GROWTH - tries))
        self.content.replace(output_file)

    def _go_on(self, url: str) -> None:
        """Ask for what lacks and append it."""
        have, validator = self._usable(url)
        headers = {"Accept-Encoding": "identity"}  # the file's own bytes, so that they can be counted
        if have:
            headers["Range"] = f"bytes={have}-"
        if have and validator:
            headers["If-Range"] = validator
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            if have and not _continues(response, have):
                if response.headers.get("Content-Range") == f"bytes */{have}":
                    return  # nothing lacks
                have = 0
                if response.status_code in (206, 416):  # an answer to the range, but not what was asked for
                    self.content.unlink()
                    return self._go_on(url)
            response.raise_for_status()
            self._append(response, url, have)

    def _append(self, response: requests.Response, url: str, have: int) -> None:
        etag = response.headers.get("ETag", "")
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
        (self.folder / "origin.json").write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")
        self.resumed = self.resumed or have > 0
        length = response.headers.get("Content-Length")
        bar: tqdm[Any] = command.progress((), total=have + int(length) if length else None, desc=self.name, unit="B")
        bar.unit_scale = True
        bar.initial = bar.n = have
        with self.content.open("ab" if have else "wb") as file, bar:
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))

    def _usable(self, url: str) -> tuple[int, str]:
        """Bytes that may be kept, 0 where they may be of another version; and what the server said of the version."""
        path = self.folder / "origin.json"
        if not self.size() or not path.exists():
            return 0, ""
        origin: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        validator = origin["validator"] if origin["url"] == url else ""
        return (self.size(), validator) if self.hash_known or validator else (0, "")


def _continues(response: requests.Response, have: int) -> bool:
    return response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
