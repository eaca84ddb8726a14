"""Real photos through the real network: LSUN churches and their published reconstructions, from folders to the report.

The network is the published one at its full size with the official labels; its weights are the golden recipe's, as the
trained ones cannot be had everywhere. So the classes found mean nothing, but every step is the one that they take.
"""

import json
import shutil
from pathlib import Path

import pytest
import torch
import toy
from golden_folder import ROOT, GoldenFolder

from lacuna.segmenters.parsing import num_part_channels, part_blocks
from lacuna.segmenters.upp import files as upp
from lacuna.segmenters.upp.checkpoint import published_vocabulary

pytestmark = pytest.mark.workflow
DATA = ROOT.parent / "shared" / "data"
SIDES = {"photos": "target", "reconstructions": "reconst"}


@pytest.fixture(scope="module")
def copy(golden: GoldenFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workflow beside a folder of photos, a folder of reconstructions, and the folder of the segmenter."""
    labels = DATA / "reference" / "upp_labels.json"
    if not labels.exists():
        pytest.skip(f"no {DATA}: the photos and the official labels lie there")
    copy = toy.copy_workflow(tmp_path_factory.mktemp("real"))
    for name, word in SIDES.items():
        (copy / name).mkdir()
        for path in (DATA / "church_photos").glob(f"*_{word}.png"):
            shutil.copyfile(path, copy / name / path.name)
    write_segmenter(golden, labels, copy / "upp")
    sources = {name: {"kind": "folder", "path": name} for name in SIDES}
    toy.write_config(copy, {
        "seed": 1, "report": "churches", "sources": sources,
        "segmenters": {"published": {"family": "upp", "checkpoint": "upp"}},
        "comparisons": [{"real": "photos", "generated": "reconstructions"}],
        "segment": {"batch_size": 7, "heads": ["object", "material"]},
        "shard_size": {"images": 10},
    })  # fmt: skip
    return copy


def write_segmenter(golden: GoldenFolder, labels: Path, folder: Path) -> None:
    """Recipe weights of the shapes that the labels ask for."""
    folder.mkdir()
    shutil.copyfile(labels, folder / "labels.json")
    classes, owners = published_vocabulary(upp.read_labels(labels))
    channels = num_part_channels(part_blocks(classes["object"], classes["part"], owners))
    for part in ("encoder", "decoder"):
        shapes = golden.shapes(f"seg_{part}")
        shapes |= {key: [channels, *shape[1:]] for key, shape in shapes.items() if key.startswith("part_head.1.")}
        prefix = golden.meta["key_prefix"]
        weights = {key: torch.from_numpy(golden.recipe.tensor_for(key, shape, prefix)) for key, shape in shapes.items()}
        torch.save(weights, folder / f"{part}_epoch_40.pth")


def test_real_photos_and_reconstructions_end_in_the_report(copy: Path) -> None:
    toy.snakemake(copy)
    count = len(list((copy / "photos").iterdir()))
    names = [f"results/segment/published/{name}/{shard}.h5" for name in SIDES for shard in ("0-9", f"10-{count - 1}")]
    for name in names:
        with toy.h5py.File(copy / name) as file:
            categories = file["categories"].asstr()[:]
            for category in ("object", "material"):
                assert (file["area_px"][:, categories == category].sum(axis=1) == 256**2).all()
            assert (categories == "object").sum() == 336 and file["skipped_index"].shape == (0,)
            assert file.attrs["resolutions"].tolist() == [256, 256]
    summary = json.loads((copy / "results/fsd/published/photos~reconstructions.json").read_text())
    assert (summary["num_real"], summary["num_generated"]) == (count, count) and summary["fsd"] > 0
    page = (copy / "results/report/churches.html").read_text()
    assert "Segmented at 256 x 256 pixels, which all images had." in page
    assert all(f"Contact sheet of the first {count} images of {name}" in page for name in SIDES)
    assert toy.planned(copy) == {}
