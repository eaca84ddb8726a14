"""Published StyleGAN2 files of every kind: their weights are found, and what must be refused is, without running it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_folder import GoldenFolder, golden_path

from lacuna.errors import UserError
from lacuna.generators.loading import load_generator

FOLDER = golden_path() / "stylegan2"
REFUSED = json.loads((FOLDER / "refuse" / "refuse.json").read_text()) if FOLDER.exists() else {}
MAY_LACK = {
    "no_noise": ("noise_strength", "noise_const"),
    "no_noises": ("noise_const", "w_avg"),
    "training": ("w_avg",),
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.p[kt]*")), ids=lambda path: path.name)
def test_weights_of_every_file_are_the_recipes(golden: GoldenFolder, path: Path) -> None:
    name, folder = path.stem.split("_")[0], GoldenFolder(golden.path / "stylegan2")
    expected = folder.recipe.fill(folder.shapes(name), folder.meta["key_prefix"], name)
    found = {
        own if own.startswith("mapping.") else f"synthesis.{own}": value
        for own, value in load_generator("stylegan2", path).state_dict().items()
    }
    for key, value in found.items():
        assert torch.equal(value, torch.from_numpy(np.asarray(expected[key])).to(value)), key
    left = {key for key in expected if not key.endswith("resample_filter")} - set(found)
    known = next((ends for kind, ends in MAY_LACK.items() if path.stem.endswith(kind)), ())
    assert all(key.endswith(known) for key in left), left


@pytest.mark.parametrize("file", sorted(REFUSED))
def test_a_file_to_be_refused_is_one_line_and_runs_nothing(
    file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        load_generator("stylegan2", FOLDER / "refuse" / file)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
    words = {"runs": "nothing was run", "incomplete": "expected that of|keys do not fit", "foreign": file.split(".")[0]}
    named = {"tensorflow.pkl": "legacy.py", "stylegan3.pkl": "StyleGAN3"}.get(file)
    wanted = named or words.get(REFUSED[file]["kind"], "broken|download it again").removeprefix("architecture_")
    assert any(word in str(caught.value) for word in wanted.split("|"))
