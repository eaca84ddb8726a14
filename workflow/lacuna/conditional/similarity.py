"""Multi-scale structural similarity of pairs of images: 1 for equal ones, near 0 for those that share nothing.

The published measure looks at five scales with a window of 11 pixels, which takes images of at least 176 pixels. One
rule for smaller ones: as many scales as fit, from the finest, and their exponents divided by their sum.

Shape suffixes: N pairs, H height, W width.

Source:
    Wang, Simoncelli and Bovik 2003; Odena et al. 2017, arXiv:1610.09585, section 4.2 (as a measure of diversity).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from lacuna.errors import UserError

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # from the finest scale to the coarsest
WINDOW = 11  # pixels
# Pixels from which so many scales are used: the smallest map holds a window, in torchmetrics' stricter count.
SMALLEST = {1: 11, 2: 22, 3: 44, 4: 99, 5: 176}


def exponents(size: int) -> tuple[float, ...]:
    """Exponents of the scales at which images of `size` pixels are compared; they sum to that of all five, about 1.

    Raises:
        UserError: too small for a single scale.
    """
    scales = max((scales for scales, smallest in SMALLEST.items() if size >= smallest), default=0)
    if not scales:
        raise UserError(f"images of {size} pixels, expected at least {SMALLEST[1]} to compare them by MS-SSIM")
    used = EXPONENTS[:scales]
    return tuple(exponent * sum(EXPONENTS) / sum(used) for exponent in used)


def rule(size: int) -> str:
    """What the numbers at this size mean, for the result."""
    shares = ", ".join(f"{exponent:.4f}" for exponent in exponents(size))
    return f"MS-SSIM of RGB at {size} px: {len(exponents(size))} of 5 scales, window {WINDOW} px, exponents {shares}"


def ms_ssim(
    one_NHW3: NDArray[np.uint8], other_NHW3: NDArray[np.uint8], device: torch.device, batch_size: int = 100
) -> NDArray[np.float64]:
    """(N,) similarity of each pair; negative terms count as 0."""
    found = []
    for first in range(0, len(one_NHW3), batch_size):
        one, other = (
            torch.from_numpy(images_NHW3[first : first + batch_size]).to(device).permute(0, 3, 1, 2).float()
            for images_NHW3 in (one_NHW3, other_NHW3)
        )
        found.append(
            multiscale_structural_similarity_index_measure(
                one, other, kernel_size=WINDOW, data_range=255.0, betas=exponents(one.shape[-1]), reduction="none"
            )
        )
    return torch.cat(found).double().cpu().numpy()


def random_pairs(rows: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """(count, 2) rows of different images, no pair twice; all pairs where there are fewer."""
    first, second = np.triu_indices(len(rows), k=1)
    chosen = random.choice(len(first), size=min(count, len(first)), replace=False)
    return np.stack([rows[first[chosen]], rows[second[chosen]]], axis=1)
