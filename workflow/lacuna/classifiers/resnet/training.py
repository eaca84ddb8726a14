"""The classifier's training: its network, its loss and its accuracy on held-out images.

Shape suffixes: N images, K classes, H and W size of the image.
"""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lacuna.classifiers.resnet.model import ResidualClassifier
from lacuna.classifiers.resnet.settings import Training as Settings
from lacuna.formats.images import ImageShards
from lacuna.networks.pixels import from_bytes
from lacuna.runtime import seeds
from lacuna.training.judged import LabelledTraining, confusion
from lacuna.training.labelled import LabelledBatch
from lacuna.training.loop import Journal, Row


class Training(LabelledTraining):
    """A classifier of `num_classes` classes that learns from labelled images."""

    def __init__(
        self, images: ImageShards, held_out: ImageShards, num_classes: int, settings: Settings, seed: int,
        device: torch.device, name: str,
    ) -> None:  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.seed_for(seed, "train_classifier", "weights"))
            network = ResidualClassifier(settings.architecture.given(), num_classes)
        super().__init__(network, images, held_out, settings, seed, device, name)
        self.num_classes = num_classes

    def read(self, rows: NDArray[np.int64]) -> LabelledBatch:
        labels_N = torch.from_numpy(self.images.read("label", rows))
        return LabelledBatch(from_bytes(self.images.read("images", rows)), {"label": labels_N})

    def losses(self, found: Tensor, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"loss": F.cross_entropy(found.float(), labels["label"])}

    def row(self, journal: Journal) -> Row:
        found = accuracy(self.confusion())
        seconds = round(journal.seconds, 1)
        return {"images": journal.step * self.images_per_step, "seconds": seconds, **journal.means, "accuracy": found}

    @torch.no_grad()
    def confusion(self, batch_size: int = 100) -> NDArray[np.int64]:
        """(K, K) held-out images by true class (rows) and found class (columns)."""
        self.network.eval()
        found = np.zeros((self.num_classes, self.num_classes), dtype=np.int64)
        for first in range(0, len(self.held_out), batch_size):
            rows = slice(first, min(first + batch_size, len(self.held_out)))
            best_N = self.network(from_bytes(self.held_out.read("images", rows), self.device)).argmax(1).cpu()
            found += confusion(torch.from_numpy(self.held_out.read("label", rows)), best_N, self.num_classes)
        self.network.train()
        return found


def accuracy(confusion_KK: NDArray[np.int64]) -> float:
    """Share of images whose class was named."""
    return float(np.trace(confusion_KK) / confusion_KK.sum())
