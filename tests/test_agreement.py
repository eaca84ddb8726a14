"""Two segmenters on the same images: classes matched by name, labels compared pixel by pixel, verdicts side by side."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import program_files
import pytest
import segmenter_case
import toy

from lacuna.areas import agreement
from lacuna.areas.agreement import Verdict
from lacuna.config.configuration import check_config
from lacuna.config.targets import stage_files
from lacuna.errors import UserError
from lacuna.formats import tables
from lacuna.segmenters.loading import load_segmenter
from lacuna.stages import agreement as pair_stage
from lacuna.stages import agreement_labels

RNG = np.random.default_rng(0)


def test_classes_are_matched_by_name_word_or_synonym_each_once() -> None:
    first = ["-", "Wall", "building, edifice", "person", "tree", "palm"]
    second = ["tree", "wall", "edifice", "human", "-", "TREE"]
    found = agreement.matched(first, second, {"person": "human"})
    assert found == [
        ("-", "-"), ("Wall", "wall"), ("building, edifice", "edifice"), ("person", "human"), ("tree", "tree")
    ]  # fmt: skip
    assert agreement.matched(first, second, {"palm": "tree"})[-2:] == [("tree", "TREE"), ("palm", "tree")]
    with pytest.raises(UserError, match="synonyms: found 'peron', none of the first segmenter's classes"):
        agreement.matched(first, second, {"peron": "human"})
    with pytest.raises(UserError, match="synonyms: found 'humans', none of the second segmenter's classes"):
        agreement.matched(first, second, {"person": "humans"})


def test_overlap_counts_pixels_whose_labels_have_partners() -> None:
    first = np.array([[[0, 1], [2, 2]], [[2, 2], [2, 2]]])
    second = np.array([[[1, 1], [0, 2]], [[2, 2], [2, 2]]])
    codes = [np.array([1, 2, 0]), np.array([2, 1, 0])]  # the third class of either has no partner
    found = agreement.overlap(first, second, codes, 2)
    assert found.first.tolist() == [1, 1] and found.second.tolist() == [2, 1] and found.both.tolist() == [1, 0]
    assert found.by_class.tolist() == [0.5, 0.0]
    assert found.share[0] == 0.5 and np.isnan(found.share[1])
    summary = agreement.joined([found, found]).summary(RNG, 0.95)
    assert summary == {"agreement": 0.5, "low": 0.5, "high": 0.5, "num_images": 2}
    assert agreement.joined([found, found]).both.tolist() == [2, 0]


def test_labels_are_read_at_the_pixels_of_another_size() -> None:
    labels = np.array([[[1, 2], [3, 4]]])
    assert agreement_labels.resampled(labels, (4, 4))[0].tolist() == [[1, 1, 2, 2]] * 2 + [[3, 3, 4, 4]] * 2
    assert agreement_labels.resampled(agreement_labels.resampled(labels, (6, 6)), (2, 2)).tolist() == labels.tolist()


def test_verdicts_stand_side_by_side_and_what_one_alone_says_is_told() -> None:
    pairs = [("a", "A"), ("b", "b"), ("c", "c")]
    first = {
        "a": Verdict("omitted", "-1"),
        "b": Verdict("omitted", "-1"),
        "c": Verdict("kept", "0"),
        "x": Verdict("kept", "0"),
    }
    second = {
        "A": Verdict("omitted", "-0.9"),
        "b": Verdict("kept", "0"),
        "c": Verdict("kept", "0"),
        "y": Verdict("excess", "1"),
    }
    table = agreement.rows(pairs, (first, second), {"a": 0.8, "b": 0.8}, {"a": 0.5, "b": 0.3})
    rows = [dict(zip(agreement.COLUMNS, row, strict=True)) for row in table]
    assert [row["both"] for row in rows] == ["omitted", "differ", "kept", "single", "single"]
    assert [bool(row["caution"]) for row in rows] == [False, True, False, False, False]  # 0.3 is under half of 0.8
    found = agreement.summary(table, ("one", "other"))
    assert found["omitted_by_both"] == ["a"] and found["omitted_only_by"] == {"one": ["b"], "other": []}
    assert found["single"] == {"one": ["x"], "other": ["y"]} and (found["num_pairs"], found["num_equal"]) == (3, 2)


def comparison(**more: Any) -> dict[str, Any]:
    return {"real": "scenes", "generated": "held", "segmenters": ["net", "program"], **more}


def configured(*comparisons: dict[str, Any], **more: Any) -> Any:
    program = {"family": "onnx", "checkpoint": "net.onnx", "labels": ["wall"], "size": 64}
    given = toy.CONFIG | {"comparisons": list(comparisons), "inversions": [], "truth": [], **more}
    given |= {"segmenters": toy.CONFIG["segmenters"] | {"program": program}}
    return check_config(given)


def test_several_segmenters_are_a_comparison_by_each_and_an_agreement() -> None:
    config = configured(comparison(synonyms={"person": "human"}))
    assert [entry.segmenter for entry in config.comparisons] == ["net", "program"]
    assert config.agreements[0].synonyms == {"person": "human"}
    stem = "results/agreement/net~program/scenes~held"
    assert stage_files(config)["agreement"] == [f"{stem}.tsv", f"{stem}.json"]
    assert check_config(config.given()) == config  # what is written out stays what it is


def test_an_agreement_needs_comparisons_by_its_segmenters() -> None:
    entry = {"real": "scenes", "generated": "gan", "segmenters": ["net", "program"]}
    with pytest.raises(
        UserError, match=r"agreements.0.segmenters: found 'net', expected a comparison of these sources"
    ):
        configured(comparison(), agreements=[entry])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("agreement")
    segmenter_case.save_segmenter(place / "net.safetensors")
    segmenter_case.save_scenes(place / "scenes.h5", 6)
    program_files.save_onnx(place / "net.onnx", ("n", 3, "h", "w"))
    return place


def job(place: Path, second: dict[str, Any], **more: Any) -> dict[str, Any]:
    first = {"family": "upernet", "checkpoint": str(place / "net.safetensors")}
    settings = {"heads": ["object"], "precision": "float32"}
    judges = {"one": first | {"settings": settings}, "other": second | {"settings": settings | more}}
    path = place / "labels.json"
    told = {
        "judges": judges, "synonyms": {}, "images": [str(place / "scenes.h5")], "first": 0, "last": 5, "batch_size": 4,
        "confidence": 0.95, "seed": 1, "code": "c", "device": "cpu", "summary": str(path),
    }  # fmt: skip
    agreement_labels.main(["--job", json.dumps(told)])
    found: dict[str, Any] = tables.read_json(path)
    return found


def test_a_segmenter_agrees_with_itself(place: Path) -> None:
    found = job(place, {"family": "upernet", "checkpoint": str(place / "net.safetensors")})
    assert found["agreement"] == found["low"] == 1 and found["num_images"] == 6
    assert {pair["overlap"] for pair in found["pairs"]} <= {1.0, None}


def test_a_segmenter_of_another_family_and_size_is_compared_by_what_both_know(place: Path) -> None:
    pytest.importorskip("onnxruntime")
    entry = {"labels": program_files.CLASSES, "size": 64, "layout": "NCHW", "channels": "RGB", "highest": 1}
    second = {"family": "onnx", "checkpoint": str(place / "net.onnx"), "segmenter_settings": entry}
    found = job(place, second, size=64)
    one = load_segmenter("upernet", place / "net.safetensors")
    assert {pair["class"] for pair in found["pairs"]} == {*one.classes["object"]} & {"-", *program_files.CLASSES}
    assert 0 <= found["agreement"] < 1


def test_the_summary_warns_of_a_judge_out_of_its_depth(tmp_path: Path) -> None:
    columns, paths = ("class", "category", "verdict", "relative_delta"), []
    for name, verdict in (("one", "omitted"), ("other", "reduced")):
        paths.append(str(tmp_path / f"{name}.tsv"))
        tables.write_tsv(paths[-1], columns, [("tree", "object", verdict, -0.9), ("-", "object", "kept", 0)])
    for side, share in (("real", 0.9), ("generated", 0.4)):
        pairs = [{"class": "tree", "partner": "tree", "overlap": share}]
        found = {"agreement": share, "low": share - 0.1, "high": share + 0.1, "num_images": 9, "pairs": pairs}
        tables.write_json(tmp_path / f"{side}.json", found)
    told = {"names": ["one", "other"], "verdicts": paths, "category": "object", "code": "c",
            **{name: str(tmp_path / f"{name}.json") for name in ("real", "generated")},
            "tsv": str(tmp_path / "t.tsv"), "summary": str(tmp_path / "s.json")}  # fmt: skip
    pair_stage.main(["--job", json.dumps(told)])
    (row,) = tables.read_tsv(tmp_path / "t.tsv")
    assert (row["verdict"], row["partner_verdict"], row["both"]) == ("omitted", "reduced", "differ")
    assert row["caution"] == agreement.CAUTION
    summary = tables.read_json(tmp_path / "s.json")
    assert summary["omitted_only_by"] == {"one": ["tree"], "other": []}
    assert len(summary["warnings"]) == 1 and "90.0 % of the pixels of real images" in summary["warnings"][0]
