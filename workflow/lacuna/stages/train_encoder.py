"""Train one part of an encoder, the inverse of a generator: x -> z.

Parts: `layer_K` undoes layer K of generator_head, `tail` undoes generator_tail; `encoder` composes these and tunes them
together; `direct` is the same network trained end to end from nothing, the baseline.

Shape suffixes: N images, D latent numbers.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 3.2.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from lacuna.config.inversion import TrainEncoder
from lacuna.formats import checkpoints
from lacuna.generators.loading import load_generator
from lacuna.inversion import pairs
from lacuna.inversion.encoder_loading import load_encoder, metadata_of, new_encoder, part_of
from lacuna.inversion.encoders import LayerEncoder
from lacuna.inversion.layers import canonical, device_of, ignores_length, latent_width, layer_and_before
from lacuna.inversion.least_squares import fit_chain, fit_linear
from lacuna.inversion.methods import plan_from
from lacuna.inversion.states import packed
from lacuna.inversion.training import EncoderTraining
from lacuna.runtime import command, compute, precision, seeds
from lacuna.runtime.provenance import digest_file
from lacuna.training import loop

FIT_BATCH = 32  # samples at once while a linear map is solved for; bounds the memory


class Job(command.ComputingJob):
    """What the stage is told."""

    part: str = Field(description="layer_K, tail, encoder or direct")
    family: str
    checkpoint: str = Field(description="weights of the generator")
    generator_settings: dict[str, Any] = Field({})
    parts_dir: str = Field(description="folder of the parts that `encoder` is composed of")
    settings: TrainEncoder
    seed: int
    state: str = Field(description="where a training that was broken off goes on from")
    weights: str
    log: str


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    job = command.job("train_encoder", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    job.settings = precision.settled(job.settings, device)
    generator = packed(load_generator(job.family, job.checkpoint, device, job.generator_settings))
    training = part_training(job, generator)
    settings = job.settings.given()
    origin = {"code": job.code, "seed": job.seed, "settings": settings, "generator": job.generator_settings}
    key = origin | {"part": job.part, "inputs": input_digests(job)}
    journal = loop.run(training, job.state, key, job.log)
    validation = {name: value for name, value in journal.rows[-1].items() if math.isfinite(value)}
    metadata = metadata_of(job.part, settings, job.checkpoint) | origin | {"validation": validation}
    checkpoints.save_weights(job.weights, training.encoder.state_dict(), metadata)
    Path(job.state).unlink(missing_ok=True)


def part_training(job: Job, generator: nn.Sequential) -> EncoderTraining:
    """The untrained part, its losses and its latents."""
    settings = job.settings
    kind = "layer" if job.part.startswith("layer_") else job.part
    seed = seeds.seed_for(job.seed, "train_encoder", job.part)
    return EncoderTraining(
        encoder=new_encoder(job.part, generator, settings.given(), seed),
        pairs=part_pairs(job.part, generator, settings.layer),
        losses=part_losses(job.part, settings),
        latents=latents(job.seed, job.part, generator, settings.batch_size),
        validation=latents(job.seed, "validation", generator, settings.validation)(0).to(device_of(generator)),
        prepare=partial(prepare, job, generator),
        settings=settings,
        plan=plan_from(settings, getattr(settings.steps, kind), getattr(settings.learning_rate, kind)),
        name=f"encoder {Path(job.weights).parent.name} {job.part}",
    )


def part_pairs(part: str, generator: nn.Sequential, n: int) -> pairs.PairsOf:
    """What the part is to make equal."""
    if part.startswith("layer_"):
        return pairs.layer_pairs(generator, int(part.removeprefix("layer_")))
    return pairs.tail_pairs(generator, n) if part == "tail" else pairs.encoder_pairs(generator, n)


def part_losses(part: str, settings: TrainEncoder) -> dict[str, pairs.Loss]:
    """What each of the part's pairs counts, and how its difference is measured."""
    n, measures = settings.layer, settings.losses
    if part in ("encoder", "direct"):
        features = measures.encoder
        return {
            "z": pairs.Loss(settings.loss_z, features), f"estimated_{n}": pairs.Loss(settings.loss_r, features),
            f"remade_{n}": pairs.Loss(settings.loss_r, features), "x": pairs.Loss(settings.loss_x, measures.x),
        }  # fmt: skip
    left, right = (measures.tail, measures.x) if part == "tail" else (measures.layer, measures.layer)
    return {"left": pairs.Loss(1.0, left), "right": pairs.Loss(settings.lambda_r, right)}


def latents(seed: int, name: str, generator: nn.Sequential, count: int) -> Callable[[int], Tensor]:
    """Step -> its latents (N, D), from (seed, name, step) alone."""
    on_sphere, width = ignores_length(generator), latent_width(generator)

    def draw(step: int) -> Tensor:
        rng = compute.generator(seed, "train_encoder", name, step)
        return canonical(torch.randn(count, width, generator=rng), on_sphere)

    return draw


def prepare(job: Job, generator: nn.Sequential, encoder: nn.Module) -> None:
    """Where the training starts: linear maps are solved for, `encoder` is composed of the trained parts before."""
    settings, device = job.settings, device_of(generator)
    if job.part == "encoder":
        assert isinstance(encoder, nn.Sequential)
        for name, path in part_files(job).items():
            part = load_encoder(path, name, generator, job.checkpoint, settings.layer)
            part_of(encoder, name).load_state_dict(part.state_dict())
    draw = latents(job.seed, f"{job.part}/fit", generator, FIT_BATCH)
    batches = (draw(step).to(device) for step in range(-(-settings.fit_samples // FIT_BATCH)))
    if not settings.fit_samples:
        return
    if isinstance(encoder, LayerEncoder):
        layer, before = layer_and_before(generator, int(job.part.removeprefix("layer_")))
        with torch.no_grad():
            fit_linear(encoder, ((layer(r), r) for r in map(before, batches)))
    elif job.part == "encoder" and settings.network == "layered":
        assert isinstance(encoder, nn.Sequential)
        fit_chain(encoder, map(partial(pairs.image_and_path, generator, settings.layer), batches))


def part_files(job: Job) -> dict[str, Path]:
    """Files of the parts that this one is composed of."""
    if job.part != "encoder":
        return {}
    names = [*(f"layer_{k}" for k in range(1, job.settings.layer + 1)), "tail"]
    return {name: Path(job.parts_dir) / f"{name}.safetensors" for name in names}


def input_digests(job: Job) -> dict[str, str]:
    """Digest of the generator and of the parts, which a state must agree with to be resumed."""
    code = [job.generator_settings["file"]] if "file" in job.generator_settings else []
    return {Path(path).name: digest_file(path) for path in (job.checkpoint, *code, *part_files(job).values())}


if __name__ == "__main__":
    command.run("train_encoder", main)
