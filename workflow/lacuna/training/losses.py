"""Adversarial losses, each with the penalty that it was published with.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from lacuna.training.settings import GanTraining

Scores = Callable[[Tensor], Tensor]  # images (N, 3, H, W) -> (N,)


class Loss(Protocol):
    """What a training needs of a loss; a larger score means "real"."""

    def discriminator(
        self, scores: Scores, real_N3HW: Tensor, generated_N3HW: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The discriminator's loss, and what of it is worth a log; `step` counts the discriminator's steps."""
        ...

    def generator(self, scores_N: Tensor) -> Tensor: ...


class Logistic:
    """Non-saturating loss with a lazy R1 penalty: every `interval` steps, that much heavier.

    Args:
        r1: weight of the penalty.
        final_size: pixels of the largest images. A pixel of a smaller image stands for more of those, and its gradient
            is steeper as much, so that the penalty weighs less there.

    Source:
        Goodfellow et al. 2014, arXiv:1406.2661; Mescheder et al. 2018, arXiv:1801.04406; Karras et al. 2020,
        arXiv:1912.04958, appendix B (lazy penalty).
    """

    def __init__(self, r1: float, interval: int, final_size: int) -> None:
        self.r1, self.interval, self.final_size = r1, interval, final_size

    def discriminator(
        self, scores: Scores, real_N3HW: Tensor, generated_N3HW: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        real_N, generated_N = both(scores, real_N3HW, generated_N3HW)
        loss = discriminator_loss(real_N, generated_N)
        numbers = {"loss_d": loss, "score_real": real_N.mean(), "score_generated": generated_N.mean()}
        if step % self.interval == 0:
            numbers["penalty"] = r1_penalty(scores, real_N3HW)
            weight = self.r1 * (real_N3HW.shape[-1] / self.final_size) ** 2 * self.interval
            loss = loss + weight * numbers["penalty"]
        return loss, numbers

    def generator(self, scores_N: Tensor) -> Tensor:
        return generator_loss(scores_N)


class Wasserstein:
    """Difference of the mean scores with a gradient penalty at every step.

    Args:
        penalty: weight of the gradient penalty (lambda).
        drift: weight of the mean squared score of real images, which keeps scores near 0; none in the first source.

    Source:
        Gulrajani et al. 2017, arXiv:1704.00028, equation 3; Karras et al. 2018, arXiv:1710.10196, appendix A.1 (drift).
    """

    def __init__(self, penalty: float, drift: float) -> None:
        self.penalty, self.drift = penalty, drift

    def discriminator(
        self, scores: Scores, real_N3HW: Tensor, generated_N3HW: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        real_N, generated_N = both(scores, real_N3HW, generated_N3HW)
        loss = generated_N.mean() - real_N.mean()
        gradient = gradient_penalty(scores, real_N3HW, generated_N3HW, seed=step)
        numbers = {
            "loss_d": loss, "score_real": real_N.mean(), "score_generated": generated_N.mean(),
            "penalty": gradient,
        }  # fmt: skip
        return loss + self.penalty * gradient + self.drift * real_N.square().mean(), numbers

    def generator(self, scores_N: Tensor) -> Tensor:
        return -scores_N.mean()


def loss_of(settings: GanTraining, final_size: int) -> Loss:
    """The loss that the settings name."""
    if settings.loss == "wasserstein":
        return Wasserstein(settings.gradient_penalty, settings.drift)
    return Logistic(settings.r1, settings.r1_interval, final_size)


def both(scores: Scores, real_N3HW: Tensor, generated_N3HW: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of real and of generated images, in one pass."""
    real_N, generated_N = scores(torch.cat([real_N3HW, generated_N3HW])).split([len(real_N3HW), len(generated_N3HW)])
    return real_N, generated_N


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


def gradient_penalty(scores: Scores, real_N3HW: Tensor, generated_N3HW: Tensor, seed: int) -> Tensor:
    """Mean of (|gradient of the scores| - 1)^2 at random points between a real and a generated image each.

    Args:
        seed: of the random points; the number of the step, so that nothing has to be kept for a resumed training.

    Source:
        Gulrajani et al. 2017, arXiv:1704.00028, equation 3.
    """
    random = torch.Generator().manual_seed(seed)
    share_N111 = torch.rand(len(real_N3HW), 1, 1, 1, generator=random).to(real_N3HW.device)
    between_N3HW = torch.lerp(real_N3HW.detach().float(), generated_N3HW.detach().float(), share_N111).requires_grad_()
    with torch.autocast(real_N3HW.device.type, enabled=False):  # second derivatives: always float32, as in r1_penalty
        (gradient_N3HW,) = torch.autograd.grad(scores(between_N3HW).sum(), between_N3HW, create_graph=True)
    return (gradient_N3HW.flatten(1).norm(dim=1) - 1).square().mean()
