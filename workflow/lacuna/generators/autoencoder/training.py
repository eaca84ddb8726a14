"""The training of an autoencoder: its networks, its losses, and its errors on held-out images.

Shape suffixes: N images, H height, W width, P patches.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.formats.images import ImageShards
from lacuna.generators.autoencoder.settings import Training as Settings
from lacuna.inversion.perceptual import PerceptualNetwork
from lacuna.networks.pixels import from_bytes
from lacuna.runtime import compute, precision, seeds
from lacuna.training.judged import JudgedTraining
from lacuna.training.loop import Journal, Row
from lacuna.training.losses import Logistic

HELD_OUT = 200  # images looked at whenever the log gets a row


class PatchDiscriminator(nn.Module):
    """Scores (N, P) of overlapping patches; no normalisation, so that no image of a batch sees another.

    Source:
        Isola et al. 2017, arXiv:1611.07004, section 3.2.2 (patches).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x_N3HW: Tensor) -> Tensor:
        scores_NP: Tensor = self.layers(x_N3HW).flatten(1)
        return scores_NP


class Training(JudgedTraining):
    """An AutoencoderKL that learns from images.

    A reconstruction is drawn from a sample of the latent's distribution, and judged by L1 of pixels and of perceptual
    features; the distribution is held near a standard normal; late in the training a discriminator may judge, too.

    Args:
        images, held_out: to learn from, and to be judged by.
        perceptual: None where features do not count.

    Source:
        Rombach et al. 2022, arXiv:2112.10752, appendix G; the adversary's loss and penalty are StyleGAN's.
    """

    def __init__(
        self, images: ImageShards, held_out: ImageShards, perceptual: PerceptualNetwork | None, settings: Settings,
        seed: int, device: torch.device, name: str,
    ) -> None:  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.seed_for(seed, "train_autoencoder", "weights"))
            network = build(settings.architecture.given(), images.size)
            self.discriminator = PatchDiscriminator(settings.adversary.width)
        super().__init__(network, images, held_out, settings, seed, device, name)
        self.discriminator.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.perceptual = perceptual if settings.lambda_perceptual else None
        self.levels, self.rules = settings.feature_levels, settings.adversary
        self.weights = {
            "pixel": settings.lambda_pixel, "kl": settings.lambda_kl, "perceptual": settings.lambda_perceptual,
            "adversary": self.rules.weight,
        }  # fmt: skip
        self.adversary = Logistic(self.rules.r1, self.rules.r1_interval, images.size)
        self.adversary_optimizer = torch.optim.Adam(
            self.discriminator.parameters(), lr=self.rules.learning_rate, betas=(0.0, 0.99)
        )
        self.parts |= {"discriminator": self.discriminator, "adversary_optimizer": self.adversary_optimizer}

    def batch(self, step: int) -> Tensor:
        return from_bytes(self.images.read("images", self.rows(step)))

    def step(self, step: int, batch: Tensor) -> dict[str, Tensor]:
        x_N3HW = batch.to(self.device, memory_format=torch.channels_last)
        plays = bool(self.rules.weight) and step * self.images_per_step >= self.rules.start
        with precision.autocast(self.precision, self.device):
            posterior: DiagonalGaussianDistribution = self.network.encode(x_N3HW).latent_dist
            x_hat_N3HW = self.network.decode(self._sample(posterior, step)).sample
            terms = {"pixel": F.l1_loss(x_hat_N3HW.float(), x_N3HW), "kl": divergence(posterior)}
            if self.perceptual:
                terms["perceptual"] = self._perceptual_error(x_hat_N3HW, x_N3HW)
            if plays:
                terms["adversary"] = self.adversary.generator(self.discriminator(x_hat_N3HW).float())
        loss = torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
        self._descend(self.optimizer, loss)
        self.schedule.step()
        return terms | (self._play(step, x_N3HW, x_hat_N3HW.detach().float()) if plays else {})

    def _sample(self, posterior: DiagonalGaussianDistribution, step: int) -> Tensor:
        """Latents, as the posterior draws them; the noise follows from (seed, step)."""
        noise = torch.randn(posterior.mean.shape, generator=compute.generator(self.seed, "latents", step))
        latents: Tensor = posterior.mean + posterior.std * noise.to(self.device)
        return latents

    def _perceptual_error(self, x_hat_N3HW: Tensor, x_N3HW: Tensor) -> Tensor:
        assert self.perceptual
        with torch.no_grad():
            wanted = self.perceptual.features(x_N3HW)
        found = self.perceptual.features(x_hat_N3HW)
        return torch.stack([F.l1_loss(found[level].float(), wanted[level].float()) for level in self.levels]).mean()

    def _play(self, step: int, x_N3HW: Tensor, x_hat_N3HW: Tensor) -> dict[str, Tensor]:
        """One step of the discriminator."""
        with precision.autocast(self.precision, self.device):
            loss, numbers = self.adversary.discriminator(self.discriminator, x_N3HW, x_hat_N3HW, step)
        self._descend(self.adversary_optimizer, loss)
        return {"loss_d": numbers["loss_d"]}

    def _descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        self.network.zero_grad(set_to_none=True)
        self.discriminator.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def row(self, journal: Journal) -> Row:
        """Means, NaN for what did not play, and errors of held-out images."""
        columns = ["pixel", "kl", *["perceptual"] * bool(self.perceptual)]
        columns += ["adversary", "loss_d"] * bool(self.rules.weight)
        row = {"images": journal.step * self.images_per_step, "seconds": round(journal.seconds, 1)}
        row |= {name: journal.means.get(name, float("nan")) for name in columns}
        return row | self.errors(min(HELD_OUT, len(self.held_out)))

    @torch.no_grad()
    def errors(self, count: int, batch_size: int = 50) -> dict[str, float]:
        """Mean errors of the first `count` held-out images, drawn from the latent's mode: of pixels, of features."""
        self.network.eval()
        sums: dict[str, float] = {}
        for first in range(0, count, batch_size):
            rows = slice(first, min(first + batch_size, count))
            x_N3HW = from_bytes(self.held_out.read("images", rows), self.device)
            x_hat_N3HW = self.network.decode(self.network.encode(x_N3HW).latent_dist.mode()).sample.clamp(-1, 1)
            found = {"held_out_pixel": F.l1_loss(x_hat_N3HW, x_N3HW)}
            if self.perceptual:
                found["held_out_perceptual"] = self._perceptual_error(x_hat_N3HW, x_N3HW)
            for name, error in found.items():
                sums[name] = sums.get(name, 0.0) + float(error) * len(x_N3HW)
        self.network.train()
        return {name: total / count for name, total in sums.items()}


def build(architecture: Mapping[str, Any], size: int) -> AutoencoderKL:
    """An untrained network for images of `size` pixels.

    Raises:
        UserError: widths that the groups do not divide, or images that cannot be halved so often.
    """
    widths, groups = architecture["widths"], architecture["groups"]
    stride = 2 ** (len(widths) - 1)
    if size % stride or any(width % groups for width in widths):
        raise UserError(
            f"architecture: widths {widths} in {groups} groups for images of {size} pixels, expected widths that are "
            f"multiples of the groups, and of so many that {stride} divides the size; change one of them"
        )
    return AutoencoderKL(
        block_out_channels=tuple(widths),
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        layers_per_block=architecture["layers"],
        latent_channels=architecture["latent_channels"],
        norm_num_groups=groups,
        sample_size=size,
    )


def divergence(posterior: DiagonalGaussianDistribution) -> Tensor:
    """Kullback-Leibler divergence of the posterior from a standard normal, the mean of a latent number."""
    mean, log_variance = posterior.mean.float(), posterior.logvar.float()
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
