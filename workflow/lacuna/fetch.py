"""Download one published file: mirrors in turn, checked by its SHA-256, never half written.

Where no hash is published, the hash is recorded beside the file at the first download and checked ever after.
"""

import argparse
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pooch
import requests

from lacuna.formats import files
from lacuna.kit import command

log = logging.getLogger(__name__)
TIMEOUT_S = 30.0  # of silence, not of the whole download


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    record = args.file.with_name(f"{args.file.name}.sha256")
    expected = args.sha256 or (record.read_text().strip() if record.exists() else None)
    found = download(args.urls, expected, args.file)
    files.write_text(record, f"{found}\n")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("fetch", __doc__)
    parser.add_argument("--urls", nargs="+", required=True, help="mirrors, the best one first")
    parser.add_argument("--sha256", help="hash of the file, where one is published")
    parser.add_argument("--file", type=Path, required=True, help="file to write")
    return parser.parse_args(argv)


def download(urls: Sequence[str], sha256: str | None, target: Path) -> str:
    """Bring the first mirror's file that has the hash to `target`; its SHA-256.

    Raises:
        ValueError: no mirror gave it; the line says what each answered and where to put the file by hand.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.", suffix=".partial") as folder:
            try:
                downloader = pooch.HTTPDownloader(progressbar=command.progress([], desc=target.name, unit="B"))
                downloader.kwargs["timeout"] = TIMEOUT_S
                known = f"sha256:{sha256}" if sha256 else None
                path = Path(pooch.retrieve(url, known, fname="file", path=folder, downloader=downloader))
            except requests.RequestException as error:
                failures.append(f"{url}: {reason(error)}")
                continue
            except ValueError as error:  # pooch's word for another hash
                log.info("%s: %s", url, error)
                failures.append(f"{url}: other content than its hash {sha256} says")
                continue
            found = str(pooch.file_hash(str(path), alg="sha256"))
            path.replace(target)
            return found
    raise ValueError(
        f"{target}: no mirror gave it ({'; '.join(failures)}); check the network, or put the file there by hand"
        + (f", sha256 {sha256}" if sha256 else "")
    )


def reason(error: requests.RequestException) -> str:
    """What went wrong, in a few words."""
    if error.response is not None:
        return f"HTTP {error.response.status_code}"
    return {requests.ConnectionError: "no connection", requests.Timeout: "no answer"}.get(
        type(error), type(error).__name__
    )


if __name__ == "__main__":
    command.run("fetch", main)
