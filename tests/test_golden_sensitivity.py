"""A test of the golden tests: with numbers that are wrong by ten times their tolerance they must fail.

And they must take names, shapes and counts from the folder: one of another form, made here, must pass. Not marked
`golden` themselves, so that a run of the golden tests holds nothing else.
"""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import test_golden_segmenter as segmenter_tests
import torch
from golden_folder import ROOT, GoldenFolder, array_names
from golden_shift import shifted_folder, stored
from torch import Tensor

from lacuna.inversion.perceptual import Vgg16
from lacuna.inversion.perceptual_loading import vgg16_weights

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(3600)]
MOST_INSENSITIVE = 0.1


def outcomes(folder: Path, report: Path, *words: str) -> dict[str, str]:
    """Golden test -> passed, failed or skipped, on a folder of golden data."""
    command = [sys.executable, "-m", "pytest", "-m", "golden", "-p", "no:cacheprovider", f"--junitxml={report}", *words]
    environment = os.environ | {"LACUNA_GOLDEN": str(folder)}
    subprocess.run(command, cwd=ROOT, env=environment, check=False, stdout=subprocess.DEVNULL)
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        states = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[f"{case.get('classname')}::{case.get('name')}"] = "passed" if not states else states.pop()
    return found


def test_nine_in_ten_golden_tests_notice_numbers_that_are_wrong(golden: GoldenFolder, tmp_path: Path) -> None:
    shifted_folder(golden.path, tmp_path / "shifted")
    found = outcomes(tmp_path / "shifted", tmp_path / "report.xml", "tests")
    run = {name: state for name, state in found.items() if state != "skipped"}
    insensitive = sorted(name for name, state in run.items() if state == "passed")
    print(f"{len(insensitive)} of {len(run)} golden tests do not notice:", *insensitive, sep="\n  ")
    assert run
    assert len(insensitive) <= MOST_INSENSITIVE * len(run)


def test_every_array_is_shifted(golden: GoldenFolder, tmp_path: Path) -> None:
    shifted_folder(golden.path, tmp_path / "shifted")
    for file in stored(golden.path):
        before, after = golden.arrays(file), GoldenFolder(tmp_path / "shifted").arrays(file)
        same = [name for name in array_names(file) if np.array_equal(before[name], after[name])]
        assert [name for name in same if not name.endswith("_seconds")] == []


# A folder of another form: prefix, photos, labels, owners, strides. Its numbers are our own; it checks the reading.


def other_folder(golden: GoldenFolder, target: Path) -> None:
    """Write a golden folder for the segmenter that has little in common with `golden` but its form."""
    shutil.copytree(golden.path, target, ignore=shutil.ignore_patterns("photos", "*.npz"))
    for path in (target, *target.iterdir()):
        path.chmod(0o755)
    numbers = golden.meta["tally_photos"][2:5]
    (target / "photos").mkdir()
    for number in numbers:
        golden.photo(number).save(target / "photos" / f"chapel_{9000 + number}_photo.png")
    meta = golden.meta | {"key_prefix": "other.", "photos": [9000 + number for number in reversed(numbers)]}
    (target / "meta.json").write_text(json.dumps(meta))
    labels = json.loads((target / "labels.json").read_text())
    objects = labels["object"]
    labels["object_part"] = {objects[90]: ["-", "lid"], objects[3]: ["-", "lid", objects[5], "rim"],
                             objects[40]: ["-", "leg", "seat"], objects[60]: ["-", "rim", "leg"]}  # fmt: skip
    (target / "labels.json").write_text(json.dumps(labels))
    shapes = golden.shapes("seg_decoder")
    channels = sum(len(parts) for parts in labels["object_part"].values())
    for key in ("part_head.1.weight", "part_head.1.bias"):
        shapes[key][0] = channels
    (target / "manifest_seg_decoder.json").write_text(json.dumps(shapes))
    write_arrays(GoldenFolder(target))


def write_arrays(folder: GoldenFolder) -> None:
    """b_segmenter and the VGG features of e_optimize_residuals, as our own code has them."""
    found = segmenter_tests.of_folder(folder, arrays=False)
    tensors: dict[str, Tensor] = dict(found.tensors)
    owners = [f"part_{number}" for number in range(len(found.segmenter.blocks))]
    tensors |= {f"prob_{name}": found.probabilities(name) for name in ("object", "material", *owners)}
    first, second = tensors["prob_object"].topk(2, dim=1).values.unbind(dim=1)
    tensors["prob_object_top_margin"] = first - second
    arrays = {name: array for name, tensor in tensors.items() for name, array in strided(name, tensor, 37)}
    np.savez(folder.path / "b_segmenter.npz", **arrays, **segmenter_tests.label_arrays(found))
    network = Vgg16()
    network.load_state_dict(vgg16_weights(folder.weights("vgg16_features_to_20")))
    with torch.no_grad():
        target = dict(strided("target_vgg20", network.features(folder.photos_x()[:1])[-1], 19))
    np.savez(folder.path / "e_optimize_residuals.npz", **target)


def strided(name: str, tensor: Tensor, stride: int) -> list[tuple[str, np.ndarray]]:
    """A tensor in the form of a golden file."""
    values = tensor.detach().contiguous().numpy()
    stats = np.array([values.mean(), values.std(), values.min(), values.max()])
    return [(name, values.ravel()[::stride]), (f"{name}__stride", np.array(stride)),
            (f"{name}__shape", np.array(values.shape)), (f"{name}__stats", stats)]  # fmt: skip


def test_a_folder_of_another_form_is_read(golden: GoldenFolder, tmp_path: Path) -> None:
    other_folder(golden, tmp_path / "other")
    found = outcomes(tmp_path / "other", tmp_path / "report.xml", "tests/test_golden_segmenter.py")
    assert {name: state for name, state in found.items() if state != "passed"} == {}
    assert sum("prob_part" in name for name in found) == 4
