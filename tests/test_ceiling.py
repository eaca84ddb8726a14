"""A folder of photos and the folder of an autoencoder on the command line, and the page of what its decoder keeps."""

from pathlib import Path

import pytest
import toy
from autoencoder_files import save
from test_folders import picture

from lacuna.formats import images, tables

pytestmark = pytest.mark.workflow
OVERLAY = ("--configfile", "experiments/ceiling.yaml", "small.yaml", "--config", "segmenter=chapel")
PHOTOS = 70


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository beside photos of two sizes and a tiny autoencoder of random weights, saved by diffusers."""
    copy = toy.copy_repository(tmp_path_factory.mktemp("ceiling"))
    (copy.parent / "my photos").mkdir()
    for number in range(PHOTOS):
        picture(number).resize((70, 64 + number % 2)).save(copy.parent / "my photos" / f"{number:02d}.png")
    save(copy.parent / "autoencoder")
    entry = {"generator": "autoencoder", "count": 3, "methods": ["direct", "direct_z"], "invert": {"steps": 2}}
    small = {
        "generators": {"autoencoder": {"size": 64}}, "segment": {"size": 64}, "sources": {"photos": {"count": 5}},
        "inversions": [entry | {"source": source} for source in ("photos", "photos_redrawn")],
    }  # fmt: skip
    toy.write_config(copy, small, "small.yaml")
    return copy


def paths(copy: Path) -> tuple[str, str]:
    return f"photos={copy.parent}/my photos", f"autoencoder={copy.parent}/autoencoder"


def test_all_photos_are_drawn_again_and_none_of_an_encoder_is_trained(copy: Path) -> None:
    jobs = toy.planned(copy, "--configfile", "experiments/ceiling.yaml", "--config", *paths(copy))
    assert jobs["sample_shard"] == 1 and jobs["segment_shard"] == 2 and jobs["invert_shard"] == 16
    assert not {name for name in jobs if name.startswith("train")}


def test_without_photos_and_autoencoder_each_is_a_line(copy: Path) -> None:
    text = toy.snakemake(copy, "--dry-run", "--configfile", "experiments/ceiling.yaml", check=False)
    assert "sources.photos.path: missing, expected where its images are" in text
    assert "generators.autoencoder: no checkpoint and no 'trained_on', expected a checkpoint" in text


def test_photos_end_in_the_page(copy: Path) -> None:
    toy.snakemake(copy, *OVERLAY, *paths(copy))
    with images.ImageShards([copy / "results/sample/photos_redrawn/0-4.h5"]) as shards:
        assert shards.index.tolist() == [0, 1, 2, 3, 4] and shards.size == 64
    rows = tables.read_tsv(copy / "results/evaluate/autoencoder/photos_redrawn.tsv")
    assert {row["truth"] for row in rows} == {"yes"}
    assert {row["method"] for row in rows} == {"direct", "direct_z"}
    page = (copy / "results/report/ceiling.html").read_text()
    assert "autoencoder drew these images itself" in page
    assert toy.planned(copy, *OVERLAY, *paths(copy)) == {}


def test_changed_weights_draw_everything_again_and_a_changed_photo_too(copy: Path) -> None:
    save(copy.parent / "autoencoder", seed=1)
    jobs = toy.planned(copy, *OVERLAY, *paths(copy))
    assert jobs["sample_shard"] == 1 and jobs["invert_shard"] == 4 and jobs["segment_shard"] == 1
    save(copy.parent / "autoencoder")
    assert toy.planned(copy, *OVERLAY, *paths(copy)) == {}
    picture(99).resize((70, 66)).save(copy.parent / "my photos" / "02.png")
    jobs = toy.planned(copy, *OVERLAY, *paths(copy))
    assert jobs["sample_shard"] == 1 and jobs["segment_shard"] == 2
