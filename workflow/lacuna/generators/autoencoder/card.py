"""The card of a trained autoencoder: how it was made, and how well it draws held-out images, as Markdown."""

from collections.abc import Mapping

from lacuna.generators.autoencoder.training import Training
from lacuna.runtime.provenance import canonical_json
from lacuna.training.card import curve, processor
from lacuna.training.judged import Job
from lacuna.training.loop import Journal


def card(job: Job, training: Training, journal: Journal, errors: Mapping[str, float]) -> str:
    """The page: what it is, errors, curve, command and settings.

    Args:
        errors: of the held-out images.
    """
    network, seen = training.network, journal.step * training.images_per_step
    size, stride = network.config["sample_size"], 2 ** (len(network.config["block_out_channels"]) - 1)
    side, channels = size // stride, network.config["latent_channels"]
    parameters = sum(weights.numel() for weights in network.parameters())
    told = "\n".join(f"| {name.removeprefix('held_out_')} | {error:.4f} |" for name, error in errors.items())
    return f"""# Autoencoder: {type(network).__name__}

Images of {size} x {size} pixels and latents of {side} x {side} in {channels} channels, {side * side * channels:,}
numbers for {3 * size * size:,}; {parameters:,} weights. Trained by `train_autoencoder` on {job.count:,} images
({seen:,} images seen), {journal.seconds:,.0f} seconds on {processor()}, {job.threads} thread(s).

Errors of {job.validation_count:,} held-out images, each drawn again from the mode of its latent; L1, of values in
[-1, 1] and of perceptual features:

| error | mean |
|---|---|
{told}

From the log, means since the row before:

{curve(journal.rows)}

## Command and settings

```
{job.command_line("train_autoencoder")}
```

```json
{canonical_json(job.settings.given())}
```
"""
