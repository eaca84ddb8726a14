"""The segmenter's training loop: steps, checkpoints, validation. A resumed training ends in the same bits.

Shape suffixes: N images, K classes, H and W size of the label map.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lacuna.formats.images import ImageShards
from lacuna.runtime import command, compute, precision, seeds
from lacuna.runtime.interruption import deferred_termination
from lacuna.segmenters.parsing import part_blocks
from lacuna.segmenters.parsing_segmenter import SIGNED_RGB, ParsingSegmenter, build_network
from lacuna.segmenters.upernet.data import LABEL_MAPS, read_batch, rows_of_step, varied
from lacuna.segmenters.upernet.losses import (
    ParsingLoss,
    check_finite,
    class_weights,
    confusion,
    intersection_over_union,
    learning_rate,
)  # fmt: skip

log = logging.getLogger(__name__)
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


class Training:
    """A segmenter being trained on `scenes`, as `settings` say."""

    def __init__(
        self,
        scenes: ImageShards,
        vocabulary: Mapping[str, Any],
        settings: Mapping[str, Any],
        seed: int,
        device: torch.device,
    ) -> None:
        self.scenes, self.settings, self.seed, self.device = scenes, settings, seed, device
        self.precision = precision.training_precision(settings["precision"], device)
        classes, owners = vocabulary["classes"], vocabulary["part_owners"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.seed_for(seed, "train_segmenter", "weights"))
            network = build_network(classes, owners, settings["architecture"])
        network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.segmenter = ParsingSegmenter(network, classes, owners, SIGNED_RGB, scenes.size)
        blocks = part_blocks(classes["object"], classes["part"], owners)
        weights = weights_of_classes(scenes, classes, settings["class_weight_power"])
        self.loss = ParsingLoss(
            blocks, len(classes["object"]), len(classes["part"]), settings["loss_weights"], weights
        ).to(device)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
        )
        self.step, self.seconds, self.rows = 0, 0.0, list[dict[str, float]]()
        self.sums: dict[str, float] = {}  # terms of the loss since the last row of the log
        self.steps_summed = 0

    @property
    def images_seen(self) -> int:
        """Images that the steps so far have used."""
        return int(self.step * self.settings["batch_size"])

    def advance(self) -> dict[str, float]:
        """One step; returns the terms of the loss."""
        settings = self.settings
        total = settings["images"] // settings["batch_size"]
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step / total, settings["learning_rate"])
        rows = rows_of_step(self.seed, self.step, settings["batch_size"], len(self.scenes))
        batch = varied(read_batch(self.scenes, rows), compute.generator(self.seed, "vary", self.step))
        x_N3HW = batch.x_N3HW.to(self.device, memory_format=torch.channels_last)
        labels = {name: labels.to(self.device) for name, labels in batch.labels.items()}
        with precision.autocast(self.precision, self.device):
            logits = self.segmenter.network(x_N3HW)
        terms = self.loss({head: found.float() for head, found in logits.items()}, labels)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        self.optimizer.step()
        self.step += 1
        return {head: float(term.detach()) for head, term in terms.items()}

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "network": self.segmenter.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "rows": self.rows,
            "sums": self.sums,
            "steps_summed": self.steps_summed,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.segmenter.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.rows = state["step"], state["seconds"], list(state["rows"])
        self.sums, self.steps_summed = dict(state["sums"]), state["steps_summed"]


def run(training: Training, validation: ImageShards, save: Callable[[dict[str, Any]], None], name: str) -> None:
    """Train to the end; `save` gets a state every `checkpoint_interval` images and when SIGTERM arrives.

    Raises:
        UserError: a loss is not finite; `name` is the network's. It is looked at only where a state would be saved, so
            that no step waits for the device because of it.
    """
    settings = training.settings
    total = settings["images"] // settings["batch_size"]
    interval = max(settings["checkpoint_interval"] // settings["batch_size"], 1)
    with deferred_termination() as terminated, command.progress(range(total), desc="train", unit="step") as bar:
        bar.update(training.step)
        while training.step < total:
            start = time.monotonic()
            for head, term in training.advance().items():
                training.sums[head] = training.sums.get(head, 0.0) + term
            training.steps_summed += 1
            training.seconds += time.monotonic() - start
            bar.update()
            at_interval = training.step % interval == 0 or training.step == total
            if at_interval or terminated():
                check_finite(training.sums, name, training.step)
            if at_interval:
                training.rows.append(log_row(training, validation))
                training.sums, training.steps_summed = {}, 0
            if at_interval or terminated():
                save(training.state())
            if terminated():
                raise command.Terminated


def log_row(training: Training, validation: ImageShards) -> dict[str, float]:
    """A line of the log: mean loss terms since the last one, and scores on a few held-out scenes."""
    start = time.monotonic()
    scores = judge(training.segmenter, validation, min(QUICK_SCENES, len(validation)))
    training.seconds += time.monotonic() - start
    row = {"images": training.images_seen, "seconds": round(training.seconds, 1)}
    row |= {f"loss_{head}": term / training.steps_summed for head, term in sorted(training.sums.items())}
    row |= {f"miou_{category}": scores.mean_iou(category) for category in LABEL_MAPS}
    row |= {"scene_accuracy": scores.scene_accuracy, "lowest_object_iou": float(np.nanmin(scores.iou("object")[1:]))}
    log.info("%s", ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
    return row


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
