"""One checkout, many analyses: the workflow from any folder, beside another checkout, and as a module of another.

The checkout and the folders that it is used from have spaces in their names.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy
import yaml

pytestmark = pytest.mark.workflow

CONFIG: dict[str, Any] = {
    "seed": 1,
    "report": "mine",
    "sources": {
        "whole": {"kind": "world", "count": 40, "size": 32},
        "peopleless": {"kind": "world", "count": 40, "size": 32, "seed": 2, "omit": ["person"]},
    },
    "segmenters": {"chapel": {"family": "upernet", "checkpoint": "workflow/demo/segmenter.safetensors"}},
    "comparisons": [{"real": "whole", "generated": "peopleless"}],
    "inversions": [],
}
FSD = "results/fsd/chapel/whole~peopleless"
MODULE = """
rule mine:
    default_target: True
    input: "{where}{fsd}.json"
    output: "fsd.txt"
    shell: "cp {{input}} {{output}}"

module lacuna:
    snakefile: "{checkout}/Snakefile"
    config: config["lacuna"]
    {prefix}

use rule * from lacuna as {names}
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.copy_repository(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def analysis(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration and its results, and nothing else."""
    folder = tmp_path_factory.mktemp("an analysis")
    toy.write_config(folder, CONFIG, "mine.yaml")
    toy.snakemake(folder, "fsd", *from_outside(checkout))
    return folder


def from_outside(checkout: Path, *words: str) -> list[str]:
    return ["--snakefile", str(checkout / "Snakefile"), "--configfile", "mine.yaml", *words]


def summary(path: Path) -> dict[str, Any]:
    """A result without the digest of its code."""
    return {name: value for name, value in json.loads(path.read_text()).items() if name != "code"}


def test_results_lie_beside_the_users_configuration_and_nothing_in_the_checkout(checkout: Path, analysis: Path) -> None:
    assert summary(analysis / f"{FSD}.json")["fsd"] > 0
    assert (analysis / ".snakemake").is_dir()
    assert not (checkout / "results").exists() and not (checkout / ".snakemake").exists()
    assert toy.planned(analysis, "fsd", *from_outside(checkout)) == {}


def test_a_directory_given_to_the_checkout_is_where_results_lie(checkout: Path, analysis: Path) -> None:
    """The same analysis, asked for from the checkout: nothing is left to do."""
    words = ("fsd", "--directory", str(analysis), "--configfile", str(analysis / "mine.yaml"))
    assert toy.planned(checkout, *words) == {}
    assert toy.planned(checkout, "fsd", "--directory", str(analysis / "other"), "--configfile", "config.yaml") != {}


def test_without_a_configuration_there_is_the_embedded_default(checkout: Path, tmp_path: Path) -> None:
    jobs = toy.planned(tmp_path, "--snakefile", str(checkout / "Snakefile"))
    assert jobs["fsd_pair"] == 1 and jobs["omissions_source"] == 2


def test_a_configuration_in_the_folder_is_the_users_own(checkout: Path, analysis: Path, tmp_path: Path) -> None:
    toy.write_config(tmp_path, CONFIG)
    jobs = toy.planned(tmp_path, "--snakefile", str(checkout / "Snakefile"))
    assert jobs["fsd_pair"] == 1 and "sample_shard" not in jobs


def test_paths_of_users_are_taken_from_their_folder(checkout: Path, tmp_path: Path) -> None:
    mine = {"chapel": {"family": "upernet", "checkpoint": "weights.safetensors"}}
    toy.write_config(tmp_path, CONFIG | {"segmenters": mine})
    words = ("-n", "--snakefile", str(checkout / "Snakefile"))
    assert "found 'weights.safetensors', no such file" in toy.snakemake(tmp_path, *words, check=False)
    (tmp_path / "weights.safetensors").touch()
    assert toy.planned(tmp_path, "--snakefile", str(checkout / "Snakefile"))["segment_shard"] == 2


def test_a_worktree_of_another_version_runs_its_own_code_and_files(checkout: Path, tmp_path: Path) -> None:
    """Started in one checkout by the Snakefile of another, as a tagged version is run beside the one worked on."""
    tagged = toy.copy_repository(tmp_path)
    (tagged / "workflow/lacuna/stages/render.py").open("a").write("\nTAGGED = True\n")
    text = toy.snakemake(checkout, "-n", "-p", "segment", "--snakefile", str(tagged / "Snakefile"))
    assert f'"checkpoint":"{tagged}/workflow/demo/segmenter.safetensors"' in text
    assert f'"checkpoint":"{checkout}' not in text


@pytest.mark.parametrize(
    ("names", "where"), [("lacuna_*", ""), ("*", "deep/er/")], ids=["names begin with a word", "paths have a prefix"]
)
def test_as_a_module_of_another_workflow(
    checkout: Path, analysis: Path, tmp_path: Path, names: str, where: str
) -> None:
    folder = tmp_path / "another workflow"
    folder.mkdir()
    prefix = f'prefix: "{where}"' if where else ""
    text = MODULE.format(checkout=checkout, names=names, fsd=FSD, where=where, prefix=prefix)
    (folder / "Snakefile").write_text("configfile: 'all.yaml'\n" + text)
    (folder / "all.yaml").write_text(yaml.safe_dump({"lacuna": CONFIG, "report": "of the other workflow"}))
    toy.snakemake(folder, "--cores", "2")
    assert summary(folder / "fsd.txt") == summary(analysis / f"{FSD}.json")
    assert {path.name for path in (folder / where / "results").iterdir()} >= {"render", "segment", "moments", "fsd"}
    assert (folder / "results").exists() == (not where)


def test_a_module_takes_what_its_user_holds(checkout: Path, tmp_path: Path) -> None:
    """Images of a user are listed when a run begins, which Snakemake does not tell modules."""
    from PIL import Image

    rng = np.random.default_rng(1)
    for side in ("real", "generated"):
        (tmp_path / side).mkdir()
        for number in range(6):
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(tmp_path / side / f"{number}.png")
    sources = {side: {"kind": "folder", "path": side} for side in ("real", "generated")}
    mine = CONFIG | {"sources": sources, "comparisons": [{"real": "real", "generated": "generated"}]}
    (tmp_path / "Snakefile").write_text(
        MODULE.format(checkout=checkout, names="*", fsd="results/fsd/chapel/real~generated", where="", prefix="")
    )
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"lacuna": mine}))
    toy.snakemake(tmp_path, "--cores", "2", "--configfile", "all.yaml")
    found = summary(tmp_path / "fsd.txt")
    assert found["num_real"] == found["num_generated"] == 6
    assert found["images"]["real"]["census"] is not None


def test_the_catalogs_file_is_the_same_workflow(checkout: Path) -> None:
    assert toy.planned(checkout) == toy.planned(checkout, "--snakefile", "workflow/Snakefile") != {}
