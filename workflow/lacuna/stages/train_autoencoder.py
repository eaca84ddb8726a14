"""Train an autoencoder on a source's images: what it draws from its latents is to be what it has seen.

Its decoder is a generator without a prior: what it cannot draw, no diffusion model over its latents can.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from lacuna import families
from lacuna.errors import UserError
from lacuna.generators.autoencoder.settings import Training as Settings
from lacuna.generators.autoencoder.training import Training
from lacuna.inversion.perceptual_loading import load_perceptual
from lacuna.runtime import command
from lacuna.training import judged


class Job(judged.Job):
    """What the stage is told."""

    settings: Settings
    perceptual_family: str = ""
    perceptual_checkpoint: str = Field("", description="network that images are compared by; none where empty")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_autoencoder", Job, __doc__, argv)
    network = job.perceptual_family, job.perceptual_checkpoint
    weights = families.files("perceptual", *network) if job.perceptual_checkpoint else []
    with judged.opened(job) as (images, held_out, device):
        if held_out.size != images.size:
            raise UserError(
                f"{job.validation_images}: images of {held_out.size} pixels, expected the training's {images.size}; "
                "render both at one size"
            )
        perceptual = load_perceptual(*network, device) if weights else None
        name = f"autoencoder {Path(job.weights).stem}"
        training = Training(images, held_out, perceptual, job.settings, job.seed, device, name)
        journal, made_by = judged.run("train_autoencoder", job, training, weights)
        errors = training.errors(len(held_out))
    config = {key: value for key, value in training.network.config.items() if not key.startswith("_")}
    kind, seen = type(training.network).__name__, journal.step * training.images_per_step
    about = {"class": kind, "config": config, "images_seen": seen, "made_by": made_by}
    body = card_body(config, errors, job.validation_count)
    judged.finish("train_autoencoder", job, training, journal, about, f"Autoencoder: {kind}", body)


def card_body(config: Mapping[str, Any], errors: Mapping[str, float], num_held_out: int) -> list[str]:
    """What its latents are, and errors of held-out images."""
    size, channels = config["sample_size"], config["latent_channels"]
    side = size // 2 ** (len(config["block_out_channels"]) - 1)
    return [
        f"Images of {size} x {size} pixels and latents of {side} x {side} in {channels} channels, "
        f"{side * side * channels:,} numbers for {3 * size * size:,}.",
        "",
        f"Errors of {num_held_out:,} held-out images, each drawn again from the mode of its latent; L1, of values in",
        "[-1, 1] and of perceptual features:",
        "",
        "| error | mean |",
        "|---|---|",
        *(f"| {name.removeprefix('held_out_')} | {error:.4f} |" for name, error in errors.items()),
    ]


if __name__ == "__main__":
    command.run("train_autoencoder", main)
