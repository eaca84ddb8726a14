"""Downloads from a real server on this machine: mirrors, hashes, and one line for every way to fail."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lacuna import fetch

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/absent":
            self.send_error(404)
            return
        body = {"/good": CONTENT, "/wrong": b"an error page", "/cut": CONTENT}[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100] if self.path == "/cut" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def run(target: Path, urls: list[str], sha256: str | None = SHA256) -> None:
    fetch.main(["--code", "x", "--file", str(target), *(["--sha256", sha256] if sha256 else []), "--urls", *urls])


def test_a_good_file_arrives_whole(server: str, tmp_path: Path) -> None:
    run(tmp_path / "deep" / "w.pth", [f"{server}/good"])
    assert (tmp_path / "deep" / "w.pth").read_bytes() == CONTENT
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["w.pth", "w.pth.sha256"]


@pytest.mark.parametrize("first", ["absent", "wrong", "cut"])
def test_the_next_mirror_is_asked_when_one_fails(server: str, tmp_path: Path, first: str) -> None:
    run(tmp_path / "w.pth", [f"{server}/{first}", f"{server}/good"])
    assert (tmp_path / "w.pth").read_bytes() == CONTENT


def test_no_mirror_is_one_line_that_says_where_to_put_the_file(server: str, tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9/w"
    with pytest.raises(ValueError, match="by hand") as caught:
        run(tmp_path / "w.pth", [f"{server}/absent", f"{server}/wrong", dead])
    line = str(caught.value)
    assert "HTTP 404" in line
    assert "other content than its hash" in line
    assert "no connection" in line
    assert SHA256 in line
    assert list(tmp_path.iterdir()) == []


def test_an_unpublished_hash_is_recorded_and_checked_ever_after(server: str, tmp_path: Path) -> None:
    target = tmp_path / "w.pth"
    run(target, [f"{server}/good"], sha256=None)
    assert (tmp_path / "w.pth.sha256").read_text().strip() == SHA256
    with pytest.raises(ValueError, match="other content"):
        run(target, [f"{server}/wrong"], sha256=None)
    assert target.read_bytes() == CONTENT
