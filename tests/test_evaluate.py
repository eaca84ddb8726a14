import json

import numpy as np
import pytest
import torch
from inversion_case import (
    StubSegmenter,
    TinyFeatures,
    latents,
    make_inversions,
    save_generator,
    save_samples,
    tiny_generator,
)
from scipy.stats import norm

from lacuna.formats import images, inversions, tables
from lacuna.generators.chain import head
from lacuna.inversion.layers import path
from lacuna.networks.pixels import to_bytes
from lacuna.runtime.provenance import Provenance
from lacuna.stages import evaluate, evaluate_table


@pytest.fixture
def case(tmp_path, monkeypatch):
    """Six samples, once found exactly and once left at other latents."""
    monkeypatch.setattr(evaluate, "load_perceptual", lambda *_, **__: TinyFeatures())
    monkeypatch.setattr(evaluate, "load_segmenter", lambda *_, **__: StubSegmenter())
    generator = save_generator(tmp_path / "generator.safetensors")
    save_samples(tmp_path / "images.h5", generator, 6)
    with images.ImageShards([tmp_path / "images.h5"]) as shards:
        x, z = shards.read("images", slice(0, 6)), shards.read("z", slice(0, 6))
    for method, found_z in (("layered", z), ("z", latents(6, seed=8).numpy())):
        x_hat = to_bytes(tiny_generator()(torch.from_numpy(found_z)))
        found = make_inversions(x, x_hat, np.arange(6), np.ones(6, dtype=bool), found_z, layer=3, method=method)
        inversions.write(tmp_path / "invert" / method / "g" / "s" / "0-5.h5", found, Provenance("invert", "test"))
    return tmp_path


def run(case, *shards):
    evaluate.main([
        "--inversions", str(case / "invert"), "--methods", "layered", "z", "--generator", "g", "--source", "s",
        "--count", "6", "--shard-size", "10", "--family", "progan", "--checkpoint", str(case / "generator.safetensors"),
        "--perceptual-family", "upernet", "--perceptual-checkpoint", "none", "--images", *map(str, shards),
        "--segmenter-family", "upernet", "--segmenter-checkpoint", "none", "--figure", str(case / "out.svg"),
        "--settings", json.dumps({"feature_levels": [0, 1], "batch_size": 4, "layer": 2}),
        "--seed", "1", "--confidence", "0.95", "--device", "cpu", "--threads", "1",
        "--code", "test", "--tsv", str(case / "out.tsv"),
    ])  # fmt: skip
    return {(row["method"], row["quantity"]): row for row in tables.read_tsv(case / "out.tsv")}


def test_found_latents_correlate_fully_and_others_as_chance_has_it(case):
    rows = run(case, case / "images.h5")
    quantities = ["z", "r_1", "r_2", "r_n"]
    expected = {f"{chance}correlation_{name}" for name in quantities for chance in ("", "chance_")}
    assert {quantity for _, quantity in rows} == expected | {"pixel_l1", "perceptual_l1", "lost_area"}
    for name in quantities:
        assert float(rows["layered", f"correlation_{name}"]["mean"]) == pytest.approx(1, abs=1e-6)
        found, chance = rows["z", f"correlation_{name}"], rows["z", f"chance_correlation_{name}"]
        assert abs(float(found["mean"]) - float(chance["mean"])) < 0.4  # six images of eight latent numbers
    assert float(rows["layered", "pixel_l1"]["mean"]) == 0
    assert float(rows["z", "pixel_l1"]["mean"]) > 0.1
    assert float(rows["layered", "lost_area"]["mean"]) == 0
    assert 0 < float(rows["z", "lost_area"]["mean"]) <= 100
    assert (case / "out.svg").read_text().count("<image") == 18  # six images: target and two methods
    assert {row["truth"] for row in rows.values()} == {"yes"}
    assert {row["num_images"] for row in rows.values()} == {"6"}


def test_images_of_unknown_origin_have_no_truth(case):
    save_samples(case / "foreign.h5", save_generator(case / "other.safetensors", seed=4), 6)
    for shards in ((), (case / "foreign.h5",)):
        rows = run(case, *shards)
        assert {quantity for _, quantity in rows} == {"pixel_l1", "perceptual_l1", "lost_area"}
        assert {row["truth"] for row in rows.values()} == {"no"}


def test_latents_of_another_width_are_refused(case):
    shards, checkpoint = [str(case / "images.h5")], str(case / "generator.safetensors")
    with pytest.raises(ValueError, match="z of 8 numbers, expected the generator's 9; run sample again"):
        evaluate.true_latents(shards, [checkpoint], np.arange(6), 9)


def test_the_table_has_a_block_a_source_and_a_column_a_method(case, capsys):
    run(case, case / "images.h5")
    folder = case / "evaluate" / "gan"
    folder.mkdir(parents=True)
    (case / "out.tsv").rename(folder / "scenes.tsv")
    evaluate_table.main(["--tables", str(folder / "scenes.tsv"), "--confidence", "0.9", "--code", "test"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "gan, 6 images of scenes (z is known): mean [90 % interval of the mean]"
    assert lines[1].split() == ["layered", "z"]
    (found,) = (line for line in lines if line.startswith("correlation_z"))
    assert found.split()[1] == "1.000"


def test_residuals_count_in_the_features_that_they_change():
    z, generator = latents(3), tiny_generator()
    residual = torch.randn(3, 8, 4, 4).numpy()
    nothing = np.zeros((3, 16, 16, 3), dtype=np.uint8)
    found = make_inversions(
        nothing, nothing, np.arange(3), np.ones(3, bool), z.numpy(), layer=3, residuals={2: residual}
    )
    values = evaluate.correlations(found, head(generator, 3), z)
    assert values["correlation_r_1"] == pytest.approx(1)
    assert (values["correlation_r_2"] < 0.99).all()
    r = [path(head(generator, 3), z, residuals)[1] for residuals in (None, {2: torch.from_numpy(residual)})]
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(*r, strict=True)]
    assert values["correlation_r_2"] == pytest.approx(expected, abs=1e-5)


def test_one_image_has_no_chance_rows():
    z = latents(1)
    nothing = np.zeros((1, 16, 16, 3), dtype=np.uint8)
    found = make_inversions(nothing, nothing, np.arange(1), np.ones(1, bool), z.numpy(), layer=3)
    assert not [
        name for name in evaluate.correlations(found, head(tiny_generator(), 3), z) if name.startswith("chance")
    ]


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_interval_holds_the_mean_and_narrows_with_the_images(confidence):
    values = np.random.default_rng(0).normal(size=400)
    wide = evaluate.bootstrap_interval(values[:20], np.random.default_rng(1), confidence)
    narrow = evaluate.bootstrap_interval(values, np.random.default_rng(1), confidence)
    assert wide[0] < values[:20].mean() < wide[1]
    # 2,000 resamples: the standard error of a percentile is at most 6 % of its distance from the mean.
    assert narrow[1] - narrow[0] == pytest.approx(2 * norm.ppf((1 + confidence) / 2) * values.std() / 20, rel=0.1)
