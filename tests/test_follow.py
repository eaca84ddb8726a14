"""A training is followed by its snapshots: nearer ones are nearer, and the card says so."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lacuna import follow
from lacuna.sources.latents import latents
from lacuna.sources.preparation import Preparation
from lacuna.statistics.moments import of_rows


class Dim(torch.nn.Module):
    """Half of the images black, the other half as bright as `level` says."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(level))
        self.z_dim, self.size = 2, 16

    def forward(self, z_ND: torch.Tensor) -> torch.Tensor:
        return torch.where(z_ND[:, :1, None, None] > 0, self.level, -1.0).expand(-1, 3, self.size, self.size)


class Bright:
    """A segmenter of two classes: dark and bright pixels."""

    def __init__(self) -> None:
        self.classes = {"object": ["-", "bright"]}

    def label_maps(self, images_NHW3: np.ndarray, heads: tuple[str, ...]) -> dict[str, torch.Tensor]:
        assert images_NHW3.shape[1:] == (32, 32, 3)
        return {"object": torch.from_numpy((images_NHW3[..., 0] > 127).astype(np.int64))}


@pytest.fixture
def judge() -> follow.Judge:
    real = np.zeros((100, 2))
    real[::2, 0] = real[1::2, 1] = 100.0
    segmenter = Bright()
    return follow.Judge(of_rows(real), segmenter, Preparation(32))


def test_areas_of_a_snapshot_are_those_of_its_images_at_the_segmenters_size(judge: follow.Judge) -> None:
    z = latents(1, 0, 59, 2)
    areas = follow.segmented(Dim(1.0), judge, z)
    assert areas.tolist() == [[0.0, 100.0] if row[0] > 0 else [100.0, 0.0] for row in z]


def test_the_card_gets_the_curve() -> None:
    text = follow.curve([(5000, 8, 120.5, 100.0, 20.5, 40, 20), (60000, 32, 12.25, 10.0, 2.25, 40, 20)])
    assert "40 real against 20 generated" in text
    assert "| 5,000 | 8 | 120.50 | 100.00 | 20.50 |" in text and "| 60,000 | 32 | 12.25 |" in text


def test_a_training_without_snapshots_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no snapshots, expected weights beside the sheets"):
        follow.snapshots(tmp_path)
