"""Downloads from a real server on this machine: mirrors, hashes, broken connections, and one line for every failure."""

import hashlib
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import toy

from lacuna.errors import UserError
from lacuna.runtime import resuming
from lacuna.stages import fetch

CONTENT = b"PK\3\4" + np.random.default_rng(1).bytes(999_996)  # as torch's files begin
OTHER = b"PK\3\4" + np.random.default_rng(2).bytes(999_996)
PAGE = b"\n<!DOCTYPE html><title>Sign in</title>"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
DEAD = "http://127.0.0.1:9/w.pth"


class Handler(BaseHTTPRequestHandler):
    """Paths are words: `drop` sends half of what lacks, `drop_once` only the first time, `norange` ignores ranges."""

    asked: ClassVar[list[tuple[str, str | None]]] = []  # path and range of every request

    def do_GET(self) -> None:
        words = set(self.path.strip("/").split("-"))
        first = self.path not in [path for path, _ in self.asked]
        self.asked.append((self.path, self.headers.get("Range")))
        if "absent" in words:
            self.send_error(404)
            return
        if "page" in words or ("moved" in words and first):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PAGE)
            return
        body = OTHER if "wrong" in words or ("changed" in words and not first) else CONTENT
        tag = '"' + hashlib.md5(body).hexdigest() + '"'
        start, wanted = 0, self.headers.get("Range")
        if wanted and "norange" not in words and self.headers.get("If-Range", tag) == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if "untagged" not in words:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        drops = "drop" in words or ("once" in words and first)
        self.wfile.write(body[start : start + (len(body) - start) // 2] if drops else body[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def server(running: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(resuming, "PAUSE_S", 0.0)
    Handler.asked.clear()
    return running


def run(target: Path, urls: list[str], *, sha256: str | None = SHA256, md5: str | None = None) -> None:
    hashes = [*(["--sha256", sha256] if sha256 else []), *(["--md5", md5] if md5 else [])]
    fetch.main(["--code", "x", "--file", str(target), *hashes, "--urls", *urls])


def refused(target: Path, urls: list[str], **hashes: str | None) -> str:
    """The one line of a download that fails."""
    with pytest.raises(ValueError, match="by hand") as caught:
        run(target, urls, **hashes)
    line = str(caught.value)
    assert "\n" not in line and str(target.resolve()) in line
    return line


def test_a_good_file_arrives_whole_and_nothing_else_stays(server: str, tmp_path: Path) -> None:
    run(tmp_path / "deep" / "w.pth", [f"{server}/good"])
    assert (tmp_path / "deep" / "w.pth").read_bytes() == CONTENT
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["w.pth", "w.pth.sha256"]


@pytest.mark.parametrize("first", ["absent", "wrong", "norange-drop"])
def test_the_next_mirror_is_asked_when_one_fails(server: str, tmp_path: Path, first: str) -> None:
    run(tmp_path / "w.pth", [f"{server}/{first}", f"{server}/good"])
    assert (tmp_path / "w.pth").read_bytes() == CONTENT


def test_a_broken_connection_is_taken_up_where_it_broke(server: str, tmp_path: Path) -> None:
    run(tmp_path / "w.pth", [f"{server}/once"])
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    (_, whole), (_, rest) = Handler.asked
    assert whole is None and rest is not None and int(rest[6:-1]) > 400_000


def test_a_connection_that_breaks_again_and_again_still_ends(server: str, tmp_path: Path) -> None:
    run(tmp_path / "w.pth", [f"{server}/drop", f"{server}/good"])
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert sum(path == "/drop" for path, _ in Handler.asked) < 30


def test_a_later_run_goes_on_where_an_earlier_one_stopped(server: str, tmp_path: Path) -> None:
    line = refused(tmp_path / "w.pth", [f"{server}/norange-drop"])
    assert "broken off" in line and (tmp_path / "w.pth.partial" / "content").stat().st_size > 400_000
    Handler.asked.clear()
    run(tmp_path / "w.pth", [f"{server}/good"])  # another mirror, which the hash allows
    assert (tmp_path / "w.pth").read_bytes() == CONTENT and not (tmp_path / "w.pth.partial").exists()
    assert [wanted is not None for _, wanted in Handler.asked] == [True]


def test_a_server_that_ignores_ranges_starts_over(server: str, tmp_path: Path) -> None:
    run(tmp_path / "w.pth", [f"{server}/norange-once"])
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert len(Handler.asked) == 2


def test_a_file_that_changed_meanwhile_is_not_glued_to_its_first_half(server: str, tmp_path: Path) -> None:
    run(tmp_path / "w.pth", [f"{server}/changed-once"], sha256=None)
    assert (tmp_path / "w.pth").read_bytes() == OTHER


def test_without_hash_and_version_nothing_is_glued(server: str, tmp_path: Path) -> None:
    run(tmp_path / "w.pth", [f"{server}/untagged-changed-once"], sha256=None)
    assert (tmp_path / "w.pth").read_bytes() == OTHER


def test_a_part_of_other_content_is_thrown_away_once(server: str, tmp_path: Path) -> None:
    folder = tmp_path / "w.pth.partial"
    folder.mkdir()
    (folder / "content").write_bytes(OTHER[:1000])
    (folder / "origin.json").write_text('{"url": "http://elsewhere/w.pth", "validator": ""}')
    run(tmp_path / "w.pth", [f"{server}/good"])
    assert (tmp_path / "w.pth").read_bytes() == CONTENT and len(Handler.asked) == 2


def test_a_part_that_is_the_whole_file_is_not_asked_for_again(server: str, tmp_path: Path) -> None:
    folder = tmp_path / "w.pth.partial"
    folder.mkdir()
    (folder / "content").write_bytes(CONTENT)
    (folder / "origin.json").write_text('{"url": "http://elsewhere/w.pth", "validator": ""}')
    run(tmp_path / "w.pth", [f"{server}/good"])
    assert (tmp_path / "w.pth").read_bytes() == CONTENT


def test_every_failure_is_one_line_that_says_where_to_put_the_file(server: str, tmp_path: Path) -> None:
    line = refused(tmp_path / "w.pth", [f"{server}/absent", f"{server}/wrong", DEAD])
    assert "HTTP 404" in line and "other content" in line and "no connection" in line and SHA256 in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("urls", "advice"),
    [(["/absent", "/absent-2"], "it has moved"), (["/wrong"], "another file lies there"), ([DEAD, DEAD], "no network")],
)
def test_the_line_says_what_to_do(server: str, tmp_path: Path, urls: list[str], advice: str) -> None:
    line = refused(tmp_path / "w.pth", [url if url == DEAD else server + url for url in urls])
    assert advice in line


def test_eight_digits_in_the_name_are_how_the_hash_begins(server: str, tmp_path: Path) -> None:
    run(tmp_path / f"gan-{SHA256[:8]}.pth", [f"{server}/good"], sha256=None)
    line = refused(tmp_path / "gan-01234567.pth", [f"{server}/good"], sha256=None)
    assert f"sha256 {SHA256[:8]} instead of 01234567" in line
    assert refused(tmp_path / "w.pth", [f"{server}/good"], sha256="01234567")
    with pytest.raises(ValueError, match="expected 8 or 64 digits"):
        run(tmp_path / "w.pth", [f"{server}/good"], sha256="0123")


def test_md5_counts_where_only_that_is_known(server: str, tmp_path: Path) -> None:
    run(tmp_path / "w.zip", [f"{server}/wrong", f"{server}/good"], sha256=None, md5=MD5)
    assert (tmp_path / "w.zip").read_bytes() == CONTENT
    assert "md5" in refused(tmp_path / "v.zip", [f"{server}/wrong"], sha256=None, md5=MD5)


def test_an_unpublished_hash_is_recorded_and_checked_ever_after(server: str, tmp_path: Path) -> None:
    target = tmp_path / "w.pth"
    run(target, [f"{server}/good"], sha256=None)
    assert (tmp_path / "w.pth.sha256").read_text().strip() == SHA256
    target.unlink()
    assert "other content" in refused(target, [f"{server}/wrong"], sha256=None)
    assert not target.exists()


def test_a_file_put_by_hand_is_checked_and_kept(server: str, tmp_path: Path) -> None:
    target = tmp_path / "w.pth"
    target.write_bytes(CONTENT)
    run(target, [DEAD])
    target.write_bytes(OTHER)
    assert "no connection" in refused(target, [DEAD])


def test_a_full_disk_is_one_line_and_keeps_what_has_come(server: str, tmp_path: Path) -> None:
    """A real file system of 256 KiB, so the failing call is the kernel's own."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        with pytest.raises(OSError, match="no space left on the device; free some and run again") as caught:
            run(place / "w.pth", [f"{server}/good"])
        assert "by hand" in str(caught.value)
        assert not (place / "w.pth").exists() and (place / "w.pth.partial" / "content").exists()
        subprocess.run(["mount", "-o", "remount,size=4m", place], check=True)
        Handler.asked.clear()
        run(place / "w.pth", [f"{server}/good"])
        assert (place / "w.pth").read_bytes() == CONTENT and Handler.asked[0][1] is not None
    finally:
        subprocess.run(["umount", place], check=True)


def test_an_lmdb_comes_out_of_its_zip_file(server: str, tmp_path: Path) -> None:
    archive, target = tmp_path / "rooms.zip", tmp_path / "rooms" / "data.mdb"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("rooms_lmdb/data.mdb", CONTENT)
        file.writestr("rooms_lmdb/lock.mdb", b"")
    arguments = ["--code", "x", "--file", str(archive), "--unpacked", str(target), "--urls", DEAD]
    fetch.main(arguments)
    assert target.read_bytes() == CONTENT and not archive.exists()
    fetch.main(arguments)  # there already: nothing is downloaded
    target.unlink()
    archive.write_bytes(CONTENT)
    (tmp_path / "rooms.zip.sha256").unlink()
    with pytest.raises(ValueError, match="no mirror gave it"):
        fetch.main(arguments)


@pytest.mark.workflow
def test_through_the_workflow_a_failure_is_one_line_and_a_success_stays(server: str, tmp_path: Path) -> None:
    copy = toy.copy_workflow(tmp_path)
    entry = {"file": "nets/w.pth", "urls": [f"{server}/absent"], "sha256": SHA256[:8]}
    toy.write_config(copy, toy.CONFIG | {"downloads": {"net": entry}})
    text = toy.snakemake(copy, "fetch", check=False)
    assert "Traceback" not in text
    assert f"fetch: resources/nets/w.pth: no mirror gave it ({server}/absent: HTTP 404); it has moved" in text
    toy.write_config(copy, toy.CONFIG | {"downloads": {"net": entry | {"urls": [f"{server}/once"]}}})
    toy.snakemake(copy, "fetch")
    assert (copy / "resources/nets/w.pth").read_bytes() == CONTENT
    Handler.asked.clear()
    toy.write_config(copy, toy.CONFIG | {"downloads": {"net": entry | {"urls": [f"{server}/once", f"{server}/good"]}}})
    toy.snakemake(copy, "fetch")
    assert Handler.asked == [], "a new mirror downloaded everything again"


def test_a_sign_in_page_is_not_taken_for_weights_and_leaves_nothing_behind(server: str, tmp_path: Path) -> None:
    target = tmp_path / "mine.pth"
    with pytest.raises(UserError, match="a web page, perhaps one to sign in"):
        run(target, [f"{server}/page"], sha256=None)
    assert list(tmp_path.iterdir()) == []
    run(target, [f"{server}/page", f"{server}/moved", f"{server}/good"], sha256=None)  # the next mirror is asked
    assert target.read_bytes() == CONTENT
    assert target.with_name("mine.pth.sha256").read_text().strip() == SHA256


def test_a_page_put_there_by_an_earlier_version_is_replaced(server: str, tmp_path: Path) -> None:
    target = tmp_path / "mine.pth"
    target.write_bytes(PAGE)
    run(target, [f"{server}/good"], sha256=None)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("w.safetensors", b"\0" * 100, "no safetensors file"),
        ("w.pth", b"GIF89a", "no torch file"),
        ("w.zip", b"PK\3\4", "no zip file"),
        ("w.pth", b"<html>", "a web page"),
        ("w.pth", b"PK\3\4", ""),
        ("w.pt", b"\x80\x02", ""),
        ("w.safetensors", b"\x10\0\0\0\0\0\0\0{}", ""),
        ("labels.json", b"{}", ""),
    ],
)
def test_a_file_without_a_hash_is_known_by_how_it_begins(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert fetch.strange(tmp_path / name).startswith(words) and bool(fetch.strange(tmp_path / name)) == bool(words)
