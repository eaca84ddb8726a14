"""The classifier's training: steps, checkpoints, held-out accuracy. A resumed training ends in the same bits.

Shape suffixes: N images, K classes, H and W size of the image.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from lacuna.classifiers.resnet.model import ResidualClassifier
from lacuna.formats.images import ImageShards
from lacuna.networks.pixels import from_bytes
from lacuna.runtime import command, compute, precision, seeds
from lacuna.runtime.interruption import deferred_termination
from lacuna.segmenters.upernet.data import LabelledBatch, rows_of_step, varied
from lacuna.segmenters.upernet.losses import check_finite, confusion, learning_rate

COLUMNS = ("images", "seconds", "loss", "accuracy")


class Training:
    """A classifier of `num_classes` classes being trained on labelled images, as `settings` say."""

    def __init__(
        self, images: ImageShards, num_classes: int, settings: Mapping[str, Any], seed: int, device: torch.device
    ) -> None:
        self.images, self.settings, self.seed, self.device = images, settings, seed, device
        self.precision = precision.training_precision(settings["precision"], device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.seed_for(seed, "train_classifier", "weights"))
            self.network = ResidualClassifier(settings["architecture"], num_classes)
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.num_classes = num_classes
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
        )
        self.steps = settings["images"] // settings["batch_size"]
        self.step, self.seconds, self.rows = 0, 0.0, list[list[float]]()
        self.losses: list[float] = []  # of the steps since the last row of the log

    def advance(self) -> float:
        """One step; returns the loss."""
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step / self.steps, settings["learning_rate"])
        rows = rows_of_step(self.seed, self.step, settings["batch_size"], len(self.images))
        labels_N = torch.from_numpy(self.images.read("label", rows))
        batch = LabelledBatch(from_bytes(self.images.read("images", rows)), {"label": labels_N})
        batch = varied(batch, compute.generator(self.seed, "vary", self.step))
        x_N3HW = batch.x_N3HW.to(self.device, memory_format=torch.channels_last)
        with precision.autocast(self.precision, self.device):
            scores_NK = self.network(x_N3HW)
        loss = F.cross_entropy(scores_NK.float(), batch.labels["label"].to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "rows": self.rows,
            "losses": self.losses,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.rows = state["step"], state["seconds"], list(state["rows"])
        self.losses = list(state["losses"])

    @torch.no_grad()
    def confusion(self, held_out: ImageShards, batch_size: int = 100) -> NDArray[np.int64]:
        """(K, K) held-out images by true class (rows) and found class (columns)."""
        self.network.eval()
        found = np.zeros((self.num_classes, self.num_classes), dtype=np.int64)
        for first in range(0, len(held_out), batch_size):
            rows = slice(first, min(first + batch_size, len(held_out)))
            best_N = self.network(from_bytes(held_out.read("images", rows), self.device)).argmax(1).cpu()
            found += confusion(torch.from_numpy(held_out.read("label", rows)), best_N, self.num_classes)
        self.network.train()
        return found


def accuracy(confusion_KK: NDArray[np.int64]) -> float:
    """Share of images whose class was named."""
    return float(np.trace(confusion_KK) / confusion_KK.sum())


def run(training: Training, held_out: ImageShards, save: Callable[[dict[str, Any]], None], name: str) -> None:
    """Train to the end; `save` gets a state every `checkpoint_interval` images and when SIGTERM arrives.

    Raises:
        UserError: a loss is not finite; `name` is the network's. It is looked at only where a state would be saved, so
            that no step waits for the device because of it.
    """
    settings = training.settings
    interval = max(settings["checkpoint_interval"] // settings["batch_size"], 1)
    with deferred_termination() as terminated, command.progress(range(training.steps), desc="train") as bar:
        bar.update(training.step)
        while training.step < training.steps:
            begun = time.monotonic()
            training.losses.append(training.advance())
            at_interval = training.step % interval == 0 or training.step == training.steps
            if at_interval or terminated():
                check_finite({"loss": sum(training.losses)}, name, training.step)
            if at_interval:
                found = accuracy(training.confusion(held_out))
                training.seconds += time.monotonic() - begun
                images = training.step * settings["batch_size"]
                training.rows.append([images, round(training.seconds, 1), float(np.mean(training.losses)), found])
                training.losses = []
            else:
                training.seconds += time.monotonic() - begun
            bar.update()
            if at_interval or terminated():
                save(training.state())
            if terminated():
                raise command.Terminated
