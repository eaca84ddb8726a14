"""Train an autoencoder on a source's images: what it draws from its latents is to be what it has seen.

Its decoder is a generator without a prior: what it cannot draw, no diffusion model over its latents can.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from lacuna import families
from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.generators.autoencoder.card import card_body
from lacuna.generators.autoencoder.settings import Training as Settings
from lacuna.generators.autoencoder.training import Training
from lacuna.inversion.perceptual_loading import load_perceptual
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance
from lacuna.training import judged, loop
from lacuna.training.loop import Journal


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
        inputs: list[str | Path] = [*judged.training_paths(job), *weights]
        provenance = Provenance("train_autoencoder", job.code, job.settings.given(), job.seed, inputs)
        perceptual = load_perceptual(*network, device) if weights else None
        name = f"autoencoder {Path(job.weights).stem}"
        training = Training(images, held_out, perceptual, job.settings, job.seed, device, name)
        key = dict(provenance.attributes()) | {"threads": job.threads}
        journal = loop.run(training, job.state, key, job.log)
        errors = training.errors(len(held_out))
    checkpoints.save_weights(job.weights, *described(training, journal, provenance))
    title = f"Autoencoder: {type(training.network).__name__}"
    judged.write_card("train_autoencoder", job, journal, title, card_body(job, training, journal, errors))
    Path(job.state).unlink(missing_ok=True)


def described(
    training: Training, journal: Journal, provenance: Provenance
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Weights, and their metadata: which network of diffusers they are of, and how they were made."""
    network = training.network
    config = {key: value for key, value in network.config.items() if not key.startswith("_")}
    made = {"images_seen": journal.step * training.images_per_step, "made_by": dict(provenance.attributes())}
    return network.state_dict(), {"class": type(network).__name__, "config": config, **made}


if __name__ == "__main__":
    command.run("train_autoencoder", main)
