"""Photos beside samples of their captions: presence pair by pair, McNemar's test, and what is asked for in vain."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tables_on_disk
from scipy import stats

from lacuna.areas.paired import asked_for, compare_pairs, forms, mcnemar, synonyms
from lacuna.data.held import Asked, listed, write_manifest
from lacuna.errors import UserError
from lacuna.formats import captions, paired, tables
from lacuna.stages import paired as stage

CLASSES = ["-", "person, individual", "traffic light", "light", "sky", "door;double door", "sea (of water)", "shelf"]


def flags(*rows: str) -> np.ndarray:
    return np.array([[letter == "x" for letter in row] for row in rows])


def test_pairs_are_counted_and_shares_are_of_the_photos() -> None:
    photo_NC = flags("xx..", "xx..", "x...", "xx..")
    sample_NC = flags("xx..", "x.x.", "x.x.", "x...")
    found = compare_pairs(photo_NC, sample_NC, 0.95)
    assert found.both.tolist() == [4, 1, 0, 0]
    assert found.photo_only.tolist() == [0, 2, 0, 0] and found.sample_only.tolist() == [0, 0, 2, 0]
    assert found.kept[:2].tolist() == [1, 1 / 3] and np.isnan(found.kept[2:]).all()
    assert found.low[1] < 1 / 3 < found.high[1]
    # Both images alike in every pair: no evidence at all. 2 of 2 one way: 2 x (1/2)^2. A class that nobody shows: none.
    assert found.p[:3].tolist() == [1, 0.5, 0.5] and np.isnan(found.p[3])
    assert found.q[:3].tolist() == stats.false_discovery_control([1, 0.5, 0.5]).tolist()


@pytest.mark.parametrize(("one", "other"), [(0, 0), (3, 3), (1, 9), (14, 2), (0, 12)])
def test_the_test_is_the_sum_of_binomial_terms(one: int, other: int) -> None:
    smaller = stats.binom.cdf(min(one, other), one + other, 0.5)
    assert mcnemar(one, other) == pytest.approx(min(1, 2 * smaller), rel=1e-12)


def test_p_is_right_where_both_sides_show_a_class_equally_often() -> None:
    """Presence of a photo and its sample go together, which an unpaired test would take for a lack of noise."""
    rng = np.random.default_rng(0)
    likely_N1 = rng.random((400, 1)) * 0.6
    photo_NC, sample_NC = (rng.random((400, 500)) < likely_N1 for _ in range(2))
    p = compare_pairs(photo_NC, sample_NC, 0.95).p
    assert (p < 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)  # an exact test: at most its level, and noise
    assert (p < 0.05).mean() > 0.02
    drawn_less = sample_NC & (rng.random((400, 500)) < 0.7)
    assert (compare_pairs(photo_NC, drawn_less, 0.95).p < 0.05).mean() > 0.9


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("Two people under a TRAFFIC LIGHT", ["person, individual", "traffic light"]),
        ("a street light", ["light"]),
        ("double doors by the sea", ["door;double door", "sea (of water)"]),
        ("a traffic-light, and lights", ["traffic light", "light"]),
        ("books on shelves", ["shelf"]),
        ("a skyscraper, seasoned, in daylight; indoors - alone", []),
    ],
)
def test_a_prompt_names_classes_by_whole_words(prompt: str, named: list[str]) -> None:
    (asked_C,) = asked_for([prompt], CLASSES)
    assert [name for name, asked in zip(CLASSES, asked_C, strict=True) if asked] == named


def test_a_vocabulary_gives_several_names() -> None:
    assert synonyms("door;double door") == ["door", "double door"]
    assert synonyms("bannister, banister (of stairs)") == ["bannister", "banister"]
    assert synonyms("-") == []
    for word, many in (("fireman", "firemen"), ("sky", "skies"), ("bus", "buses"), ("knife", "knives"),
                       ("toy", "toys"), ("pool table", "pool tables"), ("cliff", "cliffs")):  # fmt: skip
        assert many in set(forms(word))
    assert not asked_for(["anything - at all"], ["-"]).any()


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Any]:
    """A photo folder of 30 files, samples of captions of 24 of them in another order, and their tables."""
    photos = tmp_path / "photos"
    (photos / "b").mkdir(parents=True)
    from PIL import Image

    names = [f"{number:02}.png" if number < 20 else f"b/{number:02}.png" for number in range(30)]
    for name in names:
        Image.new("RGB", (4, 4)).save(photos / name)
    asked = Asked(str(photos))
    write_manifest(tmp_path / "photos.jsonl", asked, listed(asked), 30)
    area_px = tables_on_disk.drawn(30, seed=1)
    order = np.random.default_rng(2).permutation(30)[:24]
    sample_px = area_px[order].copy()
    sample_px[:, 3] = 0  # no person is drawn
    tables_on_disk.write(tmp_path / "real", area_px, 10)
    tables_on_disk.write(tmp_path / "generated", sample_px, 10)
    rows = [f"{names[number]},a person by a fence" for number in order]
    (tmp_path / "captions.csv").write_text("\n".join(["file,prompt", *rows]))
    return {
        "prompts": str(tmp_path / "captions.csv"), "real_tables": str(tmp_path / "real"), "real_count": 30,
        "real_manifest": str(tmp_path / "photos.jsonl"), "generated_tables": str(tmp_path / "generated"),
        "generated_count": 24, "shard_size": 10, "settings": {}, "code": "digest",
    }  # fmt: skip


def run(told: dict[str, Any], folder: Path) -> tuple[dict[str, dict[str, str]], dict[str, Any]]:
    stage.main(["--job", json.dumps(told), "--tsv", str(folder / "p.tsv"), "--summary", str(folder / "p.json")])
    return {row["class"]: row for row in tables.read_tsv(folder / "p.tsv")}, tables.read_json(folder / "p.json")


def test_samples_meet_the_photos_of_their_captions(told: dict[str, Any], tmp_path: Path) -> None:
    rows, summary = run(told, tmp_path)
    assert tuple(rows["sky"]) == paired.COLUMNS and list(rows) == tables_on_disk.CLASSES
    assert (summary["num_pairs"], summary["num_unpaired"], summary["warnings"]) == (24, 0, [])
    for name in ("sky", "tree", "fence"):  # the photo's own areas
        assert (rows[name]["photo_only"], rows[name]["sample_only"], rows[name]["kept"]) == ("0", "0", "1.0")
    person = rows["person"]
    lost = int(person["photo_only"])
    assert lost > 3 and (person["both"], person["kept"]) == ("0", "0.0")
    assert float(person["p_value"]) == pytest.approx(2 * 0.5**lost)
    assert (person["asked"], person["asked_not_drawn"]) == ("24", "24")
    fence = rows["fence"]
    assert int(fence["asked_not_drawn"]) == 24 - int(fence["both"])
    assert rows["tree-trunk"]["category"] == "part" and rows["dragon"]["p_value"] == "nan"


def test_prompts_of_a_list_go_with_images_of_the_same_numbers(told: dict[str, Any], tmp_path: Path) -> None:
    tables_on_disk.write(tmp_path / "generated", tables_on_disk.drawn(24, seed=1), 10)
    shorter = told | {"prompts": ["a fence"] * 24, "real_count": 24}
    tables_on_disk.write(tmp_path / "real", tables_on_disk.drawn(24, seed=1), 10)
    shorter.pop("real_manifest")
    rows, summary = run(shorter, tmp_path)
    assert summary["num_pairs"] == 24 and rows["person"]["photo_only"] == rows["person"]["sample_only"] == "0"


def test_captions_without_a_photo_are_left_out_and_counted(told: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "captions.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-2], "other.png,a dog", lines[-1]]))
    _, summary = run(told, tmp_path)
    assert (summary["num_pairs"], summary["num_unpaired"]) == (23, 1)
    assert summary["warnings"] == ["1 of 24 captions have no photo among the real images, or no sample"]
    path.write_text("\n".join(["file,prompt", *(f"other{n}.png,a dog" for n in range(24))]))
    with pytest.raises(UserError, match="none of 24 captions has its photo among the real images"):
        run(told, tmp_path)


def test_what_cannot_be_paired_is_one_line(told: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="real images without names, expected files"):
        run({key: value for key, value in told.items() if key != "real_manifest"}, tmp_path)
    lines = (tmp_path / "captions.csv").read_text().splitlines()
    (tmp_path / "captions.csv").write_text("\n".join([*lines[:-1], lines[1]]))
    with pytest.raises(UserError, match="is named 2 times, expected each photo once"):
        run(told, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,prompt\n1.jpg,a\n", "no column 'file', expected a header with file, prompt"),
        (b"", "no column 'file'"),
        (b"file,prompt\n1.jpg,a\n2.jpg,\n", r"image 1 \(row 3\) has no prompt"),
        (b"file,prompt\n1.jpg\n", r"image 0 \(row 2\) has no prompt"),
        (b"file,prompt\n1.jpg,\xff\n", "no CSV in UTF-8"),
    ],
)
def test_a_file_that_holds_no_captions_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        captions.read(tmp_path / "c.csv")


def test_captions_are_read_in_their_order_whatever_else_the_file_holds(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text('id,file,prompt\r\n1,b.jpg,"a, b"\r\n2,a.jpg, c \r\n', encoding="utf-8-sig")
    assert captions.read(tmp_path / "c.csv") == [captions.Caption("b.jpg", "a, b"), captions.Caption("a.jpg", "c")]
