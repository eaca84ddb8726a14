"""The segmenter's training: its network, its loss and what it is judged by.

Shape suffixes: N images, K classes, H and W size of the label map.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacuna.formats.images import ImageShards
from lacuna.runtime import seeds
from lacuna.segmenters.parsing import part_blocks
from lacuna.segmenters.parsing_segmenter import SIGNED_RGB, ParsingSegmenter, build_network
from lacuna.segmenters.upernet.losses import ParsingLoss, class_weights, intersection_over_union
from lacuna.segmenters.upernet.settings import Training as Settings
from lacuna.training.judged import LabelledTraining, confusion
from lacuna.training.labelled import LabelledBatch
from lacuna.training.loop import Journal, Row

LABEL_MAPS = ("object", "part", "material")
QUICK_SCENES = 200  # validation scenes looked at whenever the log gets a line; the card has all of them
COUNTED_SCENES = 512  # training scenes from which the frequencies of the classes are counted


@dataclass(frozen=True)
class Scores:
    """What a segmenter got right: confusion matrices by category, and the share of scenes whose kind it named."""

    confusions: dict[str, NDArray[np.int64]]
    scene_accuracy: float

    def iou(self, category: str) -> NDArray[np.float64]:
        """IoU of each class, NaN where it does not occur."""
        return intersection_over_union(self.confusions[category])

    def mean_iou(self, category: str) -> float:
        """Mean IoU over the classes that occur; '-' is none of them."""
        return float(np.nanmean(self.iou(category)[1:]))


class Training(LabelledTraining):
    """A segmenter that learns from `scenes`, whose `vocabulary` has the classes and the owner of each part."""

    def __init__(
        self, scenes: ImageShards, held_out: ImageShards, vocabulary: Mapping[str, Any], settings: Settings, seed: int,
        device: torch.device, name: str,
    ) -> None:  # fmt: skip
        classes, owners = vocabulary["classes"], vocabulary["part_owners"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.seed_for(seed, "train_segmenter", "weights"))
            network = build_network(classes, owners, settings.architecture.given())
        super().__init__(network, scenes, held_out, settings, seed, device, name)
        self.settings = settings
        self.segmenter = ParsingSegmenter(network, classes, owners, SIGNED_RGB, scenes.size)
        blocks = part_blocks(classes["object"], classes["part"], owners)
        weights = weights_of_classes(scenes, classes, settings.class_weight_power)
        self.loss = ParsingLoss(
            blocks, len(classes["object"]), len(classes["part"]), settings.loss_weights.given(), weights
        ).to(device)

    def read(self, rows: NDArray[np.int64]) -> LabelledBatch:
        return read_batch(self.images, rows)

    def losses(self, found: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        terms = self.loss({head: logits.float() for head, logits in found.items()}, labels)
        return {f"loss_{head}": term for head, term in terms.items()}

    def row(self, journal: Journal) -> Row:
        """Mean loss terms since the last row, and scores on a few held-out scenes."""
        scores = judge(self.segmenter, self.held_out, min(QUICK_SCENES, len(self.held_out)))
        row = {"images": journal.step * self.images_per_step, "seconds": round(journal.seconds, 1)}
        row |= dict(sorted(journal.means.items()))
        row |= {f"miou_{category}": scores.mean_iou(category) for category in LABEL_MAPS}
        lowest = float(np.nanmin(scores.iou("object")[1:]))
        return row | {"scene_accuracy": scores.scene_accuracy, "lowest_object_iou": lowest}


def read_batch(scenes: ImageShards, rows: NDArray[np.int64] | Sequence[int] | slice) -> LabelledBatch:
    """Scenes as they are, with maps of object, part and material, and the scene's kind."""
    images = torch.from_numpy(scenes.read("images", rows)).permute(0, 3, 1, 2).float() / 127.5 - 1
    labels = {
        category: torch.from_numpy(scenes.read(f"labels_{category}", rows).astype(np.int64)) for category in LABEL_MAPS
    }
    return LabelledBatch(images, labels | {"scene": torch.from_numpy(scenes.read("label", rows))})


def judge(segmenter: ParsingSegmenter, scenes: ImageShards, count: int, batch_size: int = 50) -> Scores:
    """Compare the segmenter with the truth on the first `count` scenes."""
    segmenter.network.eval()
    confusions = {name: np.zeros((len(segmenter.classes[name]),) * 2, dtype=np.int64) for name in LABEL_MAPS}
    named = 0
    for first in range(0, count, batch_size):
        rows = slice(first, min(first + batch_size, count))
        found = segmenter.label_maps(scenes.read("images", rows), (*LABEL_MAPS, "scene"))
        for name, confusion_KK in confusions.items():
            truth = torch.from_numpy(scenes.read(f"labels_{name}", rows).astype(np.int64)).to(segmenter.device)
            confusion_KK += confusion(truth, found[name], len(confusion_KK))
        named += int((found["scene"].cpu().numpy() == scenes.read("label", rows)).sum())
    segmenter.network.train()
    return Scores(confusions, named / count)


def weights_of_classes(scenes: ImageShards, classes: Mapping[str, list[str]], power: float) -> dict[str, torch.Tensor]:
    """Weights of objects and materials in the loss, from their frequencies in the first training scenes."""
    rows = slice(0, min(COUNTED_SCENES, len(scenes)))
    pixels = {
        name: np.bincount(scenes.read(f"labels_{name}", rows).ravel(), minlength=len(classes[name]))
        for name in ("object", "material")
    }
    return {name: class_weights(pixels_K, power) for name, pixels_K in pixels.items()}


def card_body(segmenter: ParsingSegmenter, scores: Scores, num_held_out: int) -> list[str]:
    """Overall scores, and one table per category."""
    lines = [
        f"On {num_held_out:,} held-out scenes of {segmenter.size} x {segmenter.size} pixels:",
        "",
        "| score | value |",
        "|---|---|",
        *(f"| mean IoU, {category} | {scores.mean_iou(category):.3f} |" for category in LABEL_MAPS),
        f"| lowest IoU of an object | {np.nanmin(scores.iou('object')[1:]):.3f} |",
        f"| scene accuracy | {scores.scene_accuracy:.3f} |",
        "",
        "IoU: intersection over union of the pixels of all scenes; a part counts where object and part are right; the",
        "means are over the classes that occur, without '-'. Area: share of all pixels, and how far the found share is",
        "from it, which is the segmenter's bias as an instrument for class areas.",
    ]
    for category in LABEL_MAPS:
        lines += ["", f"## {category}", "", *table(segmenter.classes[category], scores.confusions[category])]
    return lines


def table(classes: list[str], confusion_KK: NDArray[np.int64]) -> Iterator[str]:
    """Rows of one category; classes that do not occur are left out."""
    true_px, found_px, pixels = confusion_KK.sum(axis=1), confusion_KK.sum(axis=0), confusion_KK.sum()
    yield "| class | IoU | area | found area |"
    yield "|---|---|---|---|"
    for name, iou, true, found in zip(classes, intersection_over_union(confusion_KK), true_px, found_px, strict=True):
        if true:
            yield f"| {name} | {iou:.3f} | {100 * true / pixels:.2f} % | {100 * (found - true) / true:+.1f} % |"
