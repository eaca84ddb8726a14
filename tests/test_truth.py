"""What the world draws, beside what is seen of it: rates and distances of areas that are known."""

from pathlib import Path

import numpy as np
import pytest

from lacuna.areas.presence import presence
from lacuna.formats import areas, images, tables
from lacuna.runtime.provenance import Provenance
from lacuna.stages import truth

CLASSES = ["-", "sky", "person"]
SIZE, SCENES = 8, 40
PROVENANCE = Provenance("test", "test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Scenes of sky; every other one has a person of 4 pixels. The generator draws none."""
    labels = np.ones((SCENES, SIZE, SIZE), dtype=np.uint16)
    labels[::2, :2, :2] = 2
    images.write(
        tmp_path / "scenes/0-39.h5", np.zeros((SCENES, SIZE, SIZE, 3), np.uint8), np.arange(SCENES), PROVENANCE,
        labels_object=labels,
    )  # fmt: skip
    exact = np.stack([np.bincount(label.ravel(), minlength=3) for label in labels])
    _write(tmp_path / "seen", exact)
    _write(tmp_path / "blind", np.tile([0, 64, 0], (SCENES, 1)))
    return tmp_path


def _write(folder: Path, area_px: np.ndarray) -> None:
    table = areas.ClassAreas(area_px.astype(np.uint32), np.arange(SCENES), CLASSES, ["object"] * 3, SIZE**2, [], (8, 8))
    areas.write(folder / "0-39.h5", table, PROVENANCE)


def _run(folder: Path, *tables_of: str) -> tuple[dict[tuple[str, str], dict[str, str]], dict]:
    out = folder / "truth.tsv"
    words = ["--scenes", folder / "scenes", "--tables", *(folder / name for name in tables_of), "--counts"]
    words += [SCENES] * len(tables_of) + ["--generated", *tables_of[1:], "--shard-size", 40, "--code", "test"]
    words += [
        "--settings",
        '{"presence_percent": 0.2, "confidence": 0.95}',
        "--tsv",
        out,
        "--summary",
        folder / "a.json",
    ]
    truth.main([str(word) for word in words])
    return {(row["class"], row["source"]): row for row in tables.read_tsv(out)}, tables.read_json(folder / "a.json")


def test_a_perfect_segmenter_has_no_error_and_a_blind_generator_no_persons(folder: Path) -> None:
    rows, found = _run(folder, "seen", "blind")
    assert found["segmenter"]["fsd"] == pytest.approx(0, abs=1e-9)
    rates = [float(rows["person", side]["presence"]) for side in ("exact", "segmented", "blind")]
    assert rates == [0.5, 0.5, 0]
    area, share = 100 * 4 / 64, 0.5
    mean_term = 2 * (area * share) ** 2  # as much sky too much as person too little
    spread = 2 * area**2 * share * (1 - share) * SCENES / (SCENES - 1)  # the generator has none
    assert found["generated"]["blind"]["fsd"] == pytest.approx(mean_term + spread)
    assert found["generated"]["blind"]["own_share"] == pytest.approx(0, abs=1e-9)
    assert found["num_scenes"] == SCENES


def test_what_a_segmenter_misses_is_its_own_error(folder: Path) -> None:
    rows, found = _run(folder, "blind", "seen")
    assert float(rows["person", "segmented"]["presence"]) == 0 and float(rows["person", "exact"]["presence"]) == 0.5
    own = found["generated"]["seen"]
    assert found["segmenter"]["fsd"] == pytest.approx(own["fsd"]) and own["own_share"] == pytest.approx(1)
    assert own["fsd_to_exact"] == pytest.approx(0, abs=1e-9)


def test_labels_beyond_the_segmenters_classes_are_refused(folder: Path) -> None:
    with images.ImageShards([folder / "scenes/0-39.h5"]) as shards:
        pictures, labels = (shards.read(name, slice(None)) for name in ("images", "labels_object"))
    labels[3, 0, 0] = 7
    images.write(folder / "scenes/0-39.h5", pictures, np.arange(SCENES), PROVENANCE, labels_object=labels)
    with pytest.raises(ValueError, match="label 7, expected one of the segmenter's 3 classes"):
        _run(folder, "seen", "blind")


def test_presence_counts_images_over_the_limit_with_wilsons_interval() -> None:
    found = presence(np.array([[5, 0], [6, 0], [7, 1], [0, 0]]), 5, 0.95)
    assert found.rate_C.tolist() == [0.5, 0.0]
    z2 = 1.959964**2  # Wilson 1927: centre and half width of 2 in 4
    centre, half = (0.5 + z2 / 8) / (1 + z2 / 4), 1.959964 * (0.25 / 4 + z2 / 64) ** 0.5 / (1 + z2 / 4)
    np.testing.assert_allclose([found.low_C[0], found.high_C[0]], [centre - half, centre + half], atol=1e-6)
    assert found.low_C[1] == 0 and 0.4 < found.high_C[1] < 0.6
