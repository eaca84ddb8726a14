"""Statistics of single images' areas beside the Frechet distance: kernel distance, precision and recall.

Shape suffixes: N real images, M generated images, C classes.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernel import kernel_distance
from .manifold import NEIGHBOURS, at_work, precision_recall

Array = NDArray[np.float64]
NAMES = (
    "kernel_distance", "kernel_low", "kernel_high", "kernel_num", "precision", "recall", "baseline_precision",
    "baseline_recall", "manifold_num", "at_work",
)  # fmt: skip


def image_statistics(
    real_NC: Array, generated_MC: Array, image_px: int, confidence: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Kernel distance, and precision and recall beside those of real images; None where there are too few images.

    Precision and recall depend on the number of images, so half of the real images, the other half and as many
    generated ones are used: the halves against each other are what a perfect generator would have.

    Args:
        real_NC, generated_MC: areas in pixels.
    """
    found: dict[str, Any] = dict.fromkeys(NAMES)
    kernel = kernel_distance(real_NC / image_px, generated_MC / image_px, confidence, rng)
    if kernel:
        found |= {"kernel_distance": kernel.value, "kernel_low": kernel.low, "kernel_high": kernel.high}
        found["kernel_num"] = min(len(real_NC), len(generated_MC))
    num_images = min(len(real_NC) // 2, len(generated_MC))
    if num_images > NEIGHBOURS:
        order = rng.permutation(len(real_NC))
        one, two = real_NC[order[:num_images]], real_NC[order[num_images : 2 * num_images]]
        generated = precision_recall(one, generated_MC[rng.permutation(len(generated_MC))[:num_images]])
        baseline = precision_recall(one, two)
        found |= asdict(generated) | {f"baseline_{name}": value for name, value in asdict(baseline).items()}
        found |= {"manifold_num": num_images, "at_work": at_work(generated, baseline, num_images)}
    return found
