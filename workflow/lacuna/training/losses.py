"""Adversarial losses.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real_scores_N: Tensor, generated_scores_N: Tensor) -> Tensor:
    """Logistic loss of telling real from generated images.

    Source:
        Goodfellow et al. 2014, arXiv:1406.2661.
    """
    return F.softplus(-real_scores_N).mean() + F.softplus(generated_scores_N).mean()


def generator_loss(generated_scores_N: Tensor) -> Tensor:
    """Non-saturating loss: generated images are to be taken for real.

    Source:
        Goodfellow et al. 2014, arXiv:1406.2661, section 3.
    """
    return F.softplus(-generated_scores_N).mean()


def r1_penalty(scores: Callable[[Tensor], Tensor], real_N3HW: Tensor) -> Tensor:
    """Mean squared length of the scores' gradient with respect to real images, over 2.

    Source:
        Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """
    real_N3HW = real_N3HW.detach().requires_grad_()
    with torch.autocast(real_N3HW.device.type, enabled=False):  # squares of small numbers: always float32
        (gradient_N3HW,) = torch.autograd.grad(scores(real_N3HW).sum(), real_N3HW, create_graph=True)
    return gradient_N3HW.square().sum((1, 2, 3)).mean() / 2
