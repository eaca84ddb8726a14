"""Download one published file: mirrors in turn, checked by its hash, never half written, broken downloads resumed.

A published SHA-256 (whole, or its first eight digits as in torch.hub's file names) or MD5 must hold. Where no whole
SHA-256 is published, it is recorded beside the file at the first download and checked ever after. A file that lies
there already, put by hand for instance, is checked and kept.
"""

import errno
import logging
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pooch
import requests
from pydantic import Field

from lacuna.config.published import HASH_IN_NAME
from lacuna.errors import UserError
from lacuna.formats import files
from lacuna.runtime import command, unpacking
from lacuna.runtime.resuming import ResumingDownloader

log = logging.getLogger(__name__)
Hashes = Mapping[str, str]  # algorithm -> how the file's digits begin
ADVICE = {
    "network": "no network reaches it; run again where one does",
    "absent": "it has moved; look for its name elsewhere",
    "content": "another file lies there now; look for the right one elsewhere",
}


class Job(command.Job):
    """What the stage is told."""

    urls: list[str] = Field(description="mirrors, the best one first")
    sha256: str | None = Field(None, description="hash of the file, or its first 8 digits, where one is published")
    md5: str | None = Field(None, description="MD5 of the file, where one is published")
    file: Path = Field(description="file to write")
    unpacked: Path | None = Field(None, description="what to unpack from the zip file, which then goes")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("fetch", Job, __doc__, argv)
    pooch.get_logger().setLevel(logging.WARNING)
    if job.unpacked and job.unpacked.exists():
        log.info("%s: already there, nothing to download", job.unpacked)
        return
    record = job.file.with_name(f"{job.file.name}.sha256")
    expected = expected_hashes(job.file.name, job.sha256, job.md5, record)
    if job.file.exists() and not wrong(job.file, expected):
        log.info("%s: already there, nothing to download", job.file)
    else:
        if job.file.exists():
            log.warning("%s: %s, so it is downloaded again", job.file, wrong(job.file, expected))
        try:
            download(job.urls, expected, job.file)
        except OSError as error:
            raise full_disk(error, job.file) from error
    files.write_text(record, f"{sha256(job.file)}\n")
    if job.unpacked:
        unpacking.unpack(job.file, job.unpacked)
        job.file.unlink()


def expected_hashes(name: str, sha256: str | None, md5: str | None, record: Path) -> dict[str, str]:
    """Published hashes; how the SHA-256 begins is taken from the name where it says so; else what was recorded."""
    for algorithm, digits, lengths in (("sha256", sha256, (8, 64)), ("md5", md5, (32,))):
        if digits and (len(digits) not in lengths or not re.fullmatch("[0-9a-f]+", digits)):
            raise UserError(f"{name}: {algorithm} {digits!r}, expected {' or '.join(map(str, lengths))} digits 0-9 a-f")
    in_name = HASH_IN_NAME.search(name)
    known = sha256 or (in_name[1] if in_name else "")
    if len(known) < 64 and record.exists():
        known = record.read_text().strip()
    return {algorithm: digits for algorithm, digits in (("sha256", known), ("md5", md5 or "")) if digits}


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    return str(pooch.file_hash(str(path), alg="sha256"))


def differing(path: Path, expected: Hashes) -> str:
    """What of a file's hashes is not as expected, in words; empty where all are."""
    for algorithm, digits in expected.items():
        found = str(pooch.file_hash(str(path), alg=algorithm))
        if not found.startswith(digits):
            return f"other content, {algorithm} {found[: len(digits)]} instead of {digits}"
    return ""


def wrong(path: Path, expected: Hashes, suffix: str = "") -> str:
    """Why a file is not the one that is wanted, in words: by its hashes, or where none is known by its kind."""
    return differing(path, expected) if expected else strange(path, suffix)


def strange(path: Path, suffix: str = "") -> str:
    """What a file is in place of what its name says, in words; empty where it may be the right one.

    A hash is recorded only of what passes this: a sign-in page also comes with status 200.
    """
    with path.open("rb") as file:
        start = file.read(512)
    kind = suffix or path.suffix
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "a web page, perhaps one to sign in"
    if kind == ".zip" and not zipfile.is_zipfile(path):
        return "no zip file"
    if kind in (".pth", ".pt") and start[:2] not in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04"):
        return "no torch file"
    if kind == ".safetensors" and start[8:9] != b"{":
        return "no safetensors file"
    return ""


def download(urls: Sequence[str], expected: Hashes, target: Path) -> None:
    """Bring the first mirror's file that has the hashes to `target`.

    Raises:
        UserError: no mirror gave it; the line says what each answered and where to put the file by hand.
    """
    folder = target.with_name(f"{target.name}.partial")
    downloader = ResumingDownloader(folder, target.name, hash_known=bool(expected))
    failures = {}
    for url in urls:
        kind, reason = attempt(url, expected, target, downloader)
        if kind == "content" and downloader.resumed:  # the part may have been of another version
            kind, reason = attempt(url, expected, target, downloader)
        if not kind:
            shutil.rmtree(folder)
            return
        log.info("%s: %s", url, reason)
        failures[url] = kind, reason
    if not downloader.size():
        shutil.rmtree(folder, ignore_errors=True)
    raise UserError(refusal(target, failures, expected))


def attempt(url: str, expected: Hashes, target: Path, downloader: ResumingDownloader) -> tuple[str, str]:
    """Try one mirror: kind of failure, and what it answered; both empty where the file is now at `target`."""
    try:
        found = Path(pooch.retrieve(url, None, fname="whole", path=downloader.folder, downloader=downloader))
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        return ("absent" if status in (403, 404, 410) else "server"), f"HTTP {status}"
    except requests.ConnectionError:
        return "network", "no connection"
    except requests.Timeout:
        return "network", "no answer"
    except requests.exceptions.ChunkedEncodingError:
        return "network", f"connection broken off again and again, {downloader.size()} bytes have come"
    except requests.RequestException as error:
        return "server", type(error).__name__
    difference = wrong(found, expected, target.suffix)
    if difference:
        found.unlink()
        return "content", difference
    found.replace(target)
    return "", ""


def refusal(target: Path, failures: Mapping[str, tuple[str, str]], expected: Hashes) -> str:
    """One line: what each mirror answered, and what to do."""
    answers = "; ".join(f"{url}: {reason}" for url, (_, reason) in failures.items())
    kinds = {kind for kind, _ in failures.values()}
    advice = ADVICE.get(next(iter(kinds)), "") if len(kinds) == 1 else ""
    recorded = target.with_name(f"{target.name}.sha256")
    if kinds == {"content"} and recorded.exists():
        advice += f" (if it was changed on purpose, remove {recorded}, the hash of the first download)"
    hashes = " and ".join(f"{algorithm} {digits}" for algorithm, digits in expected.items())
    return (
        f"{target}: no mirror gave it ({answers}); {advice or 'check the network and run again'}, "
        f"or put the file there by hand as {target.resolve()}" + (f" ({hashes})" if hashes else "")
    )


def full_disk(error: OSError, target: Path) -> OSError:
    """The same error, in words where the disk is full."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return OSError(
        f"{target}: no space left on the device; free some and run again, the download goes on where it stopped, "
        f"or put the file there by hand as {target.resolve()}"
    )


if __name__ == "__main__":
    command.run("fetch", main)
