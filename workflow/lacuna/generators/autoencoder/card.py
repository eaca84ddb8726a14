"""The card of a trained autoencoder: what it is, and how well it draws held-out images again, as Markdown."""

from collections.abc import Mapping

from lacuna.generators.autoencoder.training import Training
from lacuna.training.card import processor
from lacuna.training.judged import Job
from lacuna.training.loop import Journal


def card_body(job: Job, training: Training, journal: Journal, errors: Mapping[str, float]) -> list[str]:
    """Sizes, how it was trained, and a table of errors.

    Args:
        errors: of the held-out images.
    """
    network, seen = training.network, journal.step * training.images_per_step
    size, stride = network.config["sample_size"], 2 ** (len(network.config["block_out_channels"]) - 1)
    side, channels = size // stride, network.config["latent_channels"]
    parameters = sum(weights.numel() for weights in network.parameters())
    return [
        f"Images of {size} x {size} pixels and latents of {side} x {side} in {channels} channels, "
        f"{side * side * channels:,} numbers for {3 * size * size:,}; {parameters:,} weights. Trained by "
        f"`train_autoencoder` on {job.count:,} images ({seen:,} images seen), {journal.seconds:,.0f} seconds on "
        f"{processor()}, {job.threads} thread(s).",
        "",
        f"Errors of {job.validation_count:,} held-out images, each drawn again from the mode of its latent; L1, of "
        "values in [-1, 1] and of perceptual features:",
        "",
        "| error | mean |",
        "|---|---|",
        *(f"| {name.removeprefix('held_out_')} | {error:.4f} |" for name, error in errors.items()),
    ]
