"""The training of an autoencoder: steps, checkpoints, held-out errors. A resumed training ends in the same bits.

Shape suffixes: N images, H height, W width, P patches.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.formats.images import ImageShards
from lacuna.inversion.perceptual import PerceptualNetwork
from lacuna.networks.pixels import from_bytes
from lacuna.runtime import command, compute, precision, seeds
from lacuna.runtime.interruption import deferred_termination
from lacuna.segmenters.upernet.losses import check_finite, learning_rate
from lacuna.training.data import RealImages
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


class Training:
    """An AutoencoderKL being trained on images, as `settings` say.

    A reconstruction is drawn from a sample of the latent's distribution, and judged by L1 of pixels and of perceptual
    features; the distribution is held near a standard normal; late in the training a discriminator may judge, too.

    Args:
        perceptual: None where features do not count.

    Source:
        Rombach et al. 2022, arXiv:2112.10752, appendix G; the adversary's loss and penalty are StyleGAN's.
    """

    def __init__(
        self, images: RealImages, perceptual: PerceptualNetwork | None, settings: Mapping[str, Any], seed: int,
        device: torch.device,
    ) -> None:  # fmt: skip
        self.images, self.settings, self.seed, self.device = images, settings, seed, device
        self.perceptual = perceptual if settings["lambda_perceptual"] else None
        self.precision = precision.training_precision(settings["precision"], device)
        adversary = settings["adversary"]
        self.weights = {name: settings[f"lambda_{name}"] for name in ("pixel", "perceptual", "kl")}
        self.weights["adversary"] = adversary["weight"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.seed_for(seed, "train_autoencoder", "weights"))
            self.network = build(settings["architecture"], images.size)
            self.discriminator = PatchDiscriminator(adversary["width"])
        networks: list[nn.Module] = [self.network, self.discriminator]
        for module in networks:
            module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.adversary = Logistic(adversary["r1"], adversary["r1_interval"], images.size)
        self.optimizers = {
            "network": torch.optim.AdamW(
                self.network.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
            ),
            "discriminator": torch.optim.Adam(
                self.discriminator.parameters(), lr=adversary["learning_rate"], betas=(0.0, 0.99)
            ),
        }
        self.steps = settings["images"] // settings["batch_size"]
        self.step, self.seconds, self.rows = 0, 0.0, list[dict[str, float]]()
        self.sums: dict[str, float] = {}  # terms of the loss since the last row of the log
        self.steps_summed = 0

    @property
    def images_seen(self) -> int:
        """Images that the steps so far have used."""
        return int(self.step * self.settings["batch_size"])

    @property
    def plays(self) -> bool:
        """Whether the discriminator does by now."""
        adversary = self.settings["adversary"]
        return bool(adversary["weight"]) and self.images_seen >= adversary["start"]

    def advance(self) -> dict[str, float]:
        """One step; returns the terms of the loss, without their weights."""
        for group in self.optimizers["network"].param_groups:
            group["lr"] = learning_rate(self.step / self.steps, self.settings["learning_rate"])
        x_N3HW = from_bytes(self.images.batch(self.images_seen), self.device)
        with precision.autocast(self.precision, self.device):
            posterior: DiagonalGaussianDistribution = self.network.encode(x_N3HW).latent_dist
            x_hat_N3HW = self.network.decode(self._sample(posterior)).sample
            terms = {"pixel": F.l1_loss(x_hat_N3HW.float(), x_N3HW), "kl": divergence(posterior)}
            if self.perceptual:
                terms["perceptual"] = self._perceptual_error(x_hat_N3HW, x_N3HW)
            if self.plays:
                terms["adversary"] = self.adversary.generator(self.discriminator(x_hat_N3HW).float())
        self._descend("network", torch.stack([self.weights[name] * term for name, term in terms.items()]).sum())
        if self.plays:
            terms |= self._play(x_N3HW, x_hat_N3HW.detach().float())
        self.step += 1
        return {name: float(term.detach()) for name, term in terms.items()}

    def _sample(self, posterior: DiagonalGaussianDistribution) -> Tensor:
        """Latents, as the posterior draws them; the noise follows from (seed, step)."""
        noise = torch.randn(posterior.mean.shape, generator=compute.generator(self.seed, "latents", self.step))
        latents: Tensor = posterior.mean + posterior.std * noise.to(self.device)
        return latents

    def _perceptual_error(self, x_hat_N3HW: Tensor, x_N3HW: Tensor) -> Tensor:
        assert self.perceptual
        with torch.no_grad():
            wanted = self.perceptual.features(x_N3HW)
        found = self.perceptual.features(x_hat_N3HW)
        levels = self.settings["feature_levels"]
        return torch.stack([F.l1_loss(found[level].float(), wanted[level].float()) for level in levels]).mean()

    def _play(self, x_N3HW: Tensor, x_hat_N3HW: Tensor) -> dict[str, Tensor]:
        """One step of the discriminator."""
        with precision.autocast(self.precision, self.device):
            loss, numbers = self.adversary.discriminator(self.discriminator, x_N3HW, x_hat_N3HW, self.step)
        self._descend("discriminator", loss)
        return {"loss_d": numbers["loss_d"]}

    def _descend(self, name: str, loss: Tensor) -> None:
        self.network.zero_grad(set_to_none=True)
        self.discriminator.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "network": self.network.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            **{name: getattr(self, name) for name in ("step", "seconds", "rows", "sums", "steps_summed")},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.discriminator.load_state_dict(state["discriminator"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.step, self.seconds, self.rows = state["step"], state["seconds"], list(state["rows"])
        self.sums, self.steps_summed = dict(state["sums"]), state["steps_summed"]

    @torch.no_grad()
    def errors(self, held_out: ImageShards, count: int, batch_size: int = 50) -> dict[str, float]:
        """Mean errors of the first `count` held-out images, drawn from the latent's mode: of pixels, of features."""
        self.network.eval()
        sums: dict[str, float] = {}
        for first in range(0, count, batch_size):
            x_N3HW = from_bytes(held_out.read("images", slice(first, min(first + batch_size, count))), self.device)
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


def run(training: Training, held_out: ImageShards, save: Callable[[dict[str, Any]], None], name: str) -> None:
    """Train to the end; `save` gets a state every `checkpoint_interval` images and when SIGTERM arrives.

    Raises:
        UserError: a loss is not finite; `name` is the network's.
    """
    interval = max(training.settings["checkpoint_interval"] // training.settings["batch_size"], 1)
    with deferred_termination() as terminated, command.progress(range(training.steps), desc="train") as bar:
        bar.update(training.step)
        while training.step < training.steps:
            begun = time.monotonic()
            for term, value in training.advance().items():
                training.sums[term] = training.sums.get(term, 0.0) + value
            training.steps_summed += 1
            training.seconds += time.monotonic() - begun
            bar.update()
            at_interval = training.step % interval == 0 or training.step == training.steps
            if at_interval or terminated():
                check_finite(training.sums, name, training.step)
            if at_interval:
                training.rows.append(log_row(training, held_out))
                training.sums, training.steps_summed = {}, 0
            if at_interval or terminated():
                save(training.state())
            if terminated():
                raise command.Terminated


def log_row(training: Training, held_out: ImageShards) -> dict[str, float]:
    """A row of the log: means since the last one, NaN for what did not play, and errors of held-out images."""
    columns = ["pixel", "kl"] + ["perceptual"] * bool(training.perceptual)
    columns += ["adversary", "loss_d"] * bool(training.settings["adversary"]["weight"])
    row = {"images": training.images_seen, "seconds": round(training.seconds, 1)}
    row |= {name: training.sums.get(name, float("nan")) / training.steps_summed for name in columns}
    return row | training.errors(held_out, min(HELD_OUT, len(held_out)))
