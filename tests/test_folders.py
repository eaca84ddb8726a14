"""Two folders of images on the command line, and the report: what README promises to users of any generator."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
import toy
from PIL import Image

from lacuna.formats import manifests, tables
from lacuna.runtime.provenance import digest_file
from lacuna.world import World

pytestmark = pytest.mark.workflow
OVERLAY = ("--configfile", "experiments/folders.yaml", "--config")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository beside two sets of images of many sizes: a folder with a space in its name, and a zip file."""
    copy = toy.copy_repository(tmp_path_factory.mktemp("folders"))
    photos = copy.parent / "my photos" / "2026"
    photos.mkdir(parents=True)
    for number, size in enumerate((64, 70, 96, 128, 64, 80, 100)):
        picture(number).resize((size + 13, size)).save(photos / f"{number}.{'png' if number % 2 else 'webp'}")
    (photos / "notes.txt").write_text("no image")
    with zipfile.ZipFile(copy.parent / "samples.zip", "w") as archive:
        for number, size in enumerate((32, 48, 40, 32, 32)):
            data = io.BytesIO()
            picture(100 + number).resize((size, size)).save(data, "PNG")
            archive.writestr(f"{number}.png", data.getvalue())
    return copy


def picture(number: int) -> Image.Image:
    return Image.fromarray(World(64, seed=7).scene(number).image)


def paths(copy: Path) -> tuple[str, str]:
    return f"real={copy.parent}/my photos", f"generated={copy.parent}/samples.zip"


@pytest.fixture(scope="module")
def finished(copy: Path) -> Path:
    """The copy after the command with the demo's segmenter."""
    toy.snakemake(copy, *OVERLAY, *paths(copy), "segmenter=chapel")
    return copy


def test_two_folders_end_in_the_report(finished: Path) -> None:
    page = (finished / "results/report/folders.html").read_text()
    assert "FSD" in page and page.count("<img") >= 2
    for source, count, resolutions in (("real", 7, [64, 128]), ("generated", 5, [32, 48])):
        with toy.h5py.File(finished / f"results/segment/chapel/{source}/0-{count - 1}.h5") as file:
            assert file["area_px"].shape[0] == count and file.attrs["image_px"] == 64**2
            assert file.attrs["resolutions"].tolist() == resolutions
            assert file.attrs["resize"] == "PIL bilinear, shorter side, centre crop, to 64 pixels"
    assert "shorter sides of 64 to 128 (real) and 32 to 48 (generated) pixels" in page
    assert "real images of 64 pixels against generated ones of 32 to 48" in page


def test_one_image_more_is_seen(finished: Path) -> None:
    assert toy.planned(finished, *OVERLAY, *paths(finished), "segmenter=chapel") == {}
    more = finished.parent / "my photos" / "more.png"
    picture(50).save(more)
    try:
        jobs = toy.planned(finished, *OVERLAY, *paths(finished), "segmenter=chapel")
        assert jobs == dict.fromkeys(
            ("segment_shard", "moments_source", "fsd_pair", "appearance_pair", "report_page"), 1
        )
    finally:
        more.unlink()


def test_what_was_seen_is_written_for_the_jobs_when_a_run_begins_and_stated(finished: Path) -> None:
    found = manifests.read(finished / "results/manifests/real.jsonl")
    assert found is not None and [row[0] for row in found.rows(0, 1)] == ["2026/0.webp", "2026/1.png"]
    assert len(found.lines) == 7
    images = tables.read_json(finished / "results/fsd/chapel/real~generated.json")["images"]
    assert images["real"]["census"]["others"] == {".txt": 1} and images["generated"]["census"]["images"] == 5
    page = (finished / "results/report/folders.html").read_text()
    assert "Beside the real images, when they were listed, lay other files: 1 .txt." in page
    with toy.h5py.File(finished / "results/segment/chapel/generated/0-4.h5") as file:
        inputs = json.loads(file.attrs["inputs"])
    assert inputs[f"{finished.parent}/samples.zip"] != digest_file(finished.parent / "samples.zip")


def test_a_job_believes_the_manifest_and_a_dry_run_writes_none(finished: Path) -> None:
    """Also the Snakemake that each job on a cluster starts: it lists no folder."""
    command = (*OVERLAY, *paths(finished), "segmenter=chapel")
    before = (finished / "results/manifests/real.jsonl").stat().st_ino
    more = finished.parent / "my photos" / "2026" / "00.png"
    picture(50).save(more)
    try:
        assert toy.planned(finished, *command)["segment_shard"] == 1
        assert (finished / "results/manifests/real.jsonl").stat().st_ino == before
        assert toy.planned(finished, *command, "--mode", "subprocess") == {}
    finally:
        more.unlink()


def test_a_forgotten_path_is_one_line_that_shows_the_command(copy: Path) -> None:
    text = toy.snakemake(copy, "-n", *OVERLAY, paths(copy)[0], check=False)
    assert "Traceback" not in text
    assert "sources.generated.path: missing" in text and "--config generated=/path/to/images" in text


def test_without_the_published_segmenter_and_a_network_one_line_says_where_to_put_it(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    text = toy.snakemake(copy, "--keep-going", *OVERLAY, *paths(copy), check=False)  # tries each of the three files
    assert "Traceback" not in text
    file = "resources/upp-resnet50-upernet/labels.json"
    lines = [line for line in text.splitlines() if line.startswith(f"fetch: {file}: no mirror gave it")]
    assert lines and "no network reaches it" in lines[0]
    assert re.search(rf"by hand as {re.escape(str(copy))}/{file} \(sha256 5693c588", lines[0])
    assert not (copy / "resources" / "upp-resnet50-upernet" / "labels.json").exists()


def test_the_command_is_the_one_that_readme_shows() -> None:
    shown = "snakemake --configfile experiments/folders.yaml --config real=/path/to/photos generated=/path/to/samples"
    assert shown in (toy.ROOT / "README.md").read_text()
    assert shown in (toy.ROOT / "experiments/folders.yaml").read_text()
