"""Invert images: find the z, or the features of a later layer, from which the generator makes them.

`layered_r` starts at z0 = E(x) and moves residuals d_k of the layers of generator_head,
r = d_n + g_n(... d_1 + g_1(z0)), until generator_tail(r) comes close to x.

Shape suffixes: N images, D latent numbers, H height, W width.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 3.2.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from lacuna import families
from lacuna.config.inversion import Method, SearchSettings
from lacuna.data import shards_of, whole
from lacuna.data.held import Plan
from lacuna.errors import UserError
from lacuna.formats import checkpoints, inversions
from lacuna.generators.chain import head, tail
from lacuna.generators.loading import load_generator, load_own_encoder
from lacuna.inversion.encoder_loading import load_encoder
from lacuna.inversion.layers import canonical, ignores_length, image_size, latent_width, path, shapes
from lacuna.inversion.methods import METHODS, Patience, plan_from
from lacuna.inversion.objective import TERMS, Objective, Weights
from lacuna.inversion.perceptual import PerceptualNetwork
from lacuna.inversion.perceptual_loading import load_perceptual
from lacuna.inversion.search import How, Search
from lacuna.inversion.states import packed
from lacuna.inversion.unknowns import Found, Start, Unknowns, reconstruct
from lacuna.networks.pixels import from_bytes, to_bytes
from lacuna.runtime import command, compute, precision
from lacuna.runtime.batches import BatchSize, fitting
from lacuna.runtime.provenance import Provenance, digest_file

log = logging.getLogger(__name__)


class Job(command.ComputingJob):
    """What the stage is told."""

    method: Method
    family: str
    checkpoint: str = Field(description="weights of the generator")
    generator_settings: dict[str, Any] = Field({})
    encoder: str = Field(
        "", description="trained part that the method starts from; all but `z` need it, or a generator with its own"
    )
    perceptual_family: str = Field("", description="needed where lambda_perceptual is not 0")
    perceptual_checkpoint: str = ""
    perceptual_settings: dict[str, Any] = Field({})
    images: list[str] = Field(description="HDF5 shards, or one path of a user")
    source: dict[str, Any] = Field({}, description="JSON: subset, size, jpeg_quality")
    manifest: str = Field("", description="what the workflow saw of the user's source when it started")
    planned: str = Field("", description="digest of the user's files as the shard was planned")
    first: int = Field(description="number of the first image")
    last: int = Field(description="number of the last image")
    settings: SearchSettings
    seed: int
    state: str = Field(description="where a run that was broken off goes on from")
    shard: str


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    job = command.job("invert", Job, __doc__, argv)
    check(job)
    compute.configure(job.threads)
    job.settings = precision.settled(job.settings, compute.device(job.device))
    generator = packed(load_generator(job.family, job.checkpoint, compute.device(job.device), job.generator_settings))
    plan, batch_size = Plan(job.manifest, job.planned), job.settings.batch_size
    pictures = whole.read(job.images, job.first, job.last, job.source, image_size(generator), plan, batch_size)
    index_N, images_NHW3 = pictures.index_N, pictures.images_NHW3
    encoder, perceptual = load_networks(job, generator)
    earlier = inversions.earlier(job.shard, provenance(job, [], {}), images_NHW3, index_N)
    new_N = np.flatnonzero(~np.isin(index_N, earlier.index)) if earlier else np.arange(len(index_N))
    parts = [earlier] if earlier else []
    size = BatchSize(batch_size)
    if len(new_N) or not parts:
        parts.append(invert(job, generator, encoder, perceptual, images_NHW3[new_N], index_N[new_N], size))
    found = inversions.ordered(inversions.merge(parts))
    inversions.write(job.shard, found, provenance(job, job.images, pictures.listing), size.note())
    Path(job.state).unlink(missing_ok=True)


def check(job: Job) -> None:
    """Raise a UserError where method and settings do not go together."""
    known = range(1, job.settings.layer + 1)
    absent = [k for k in job.settings.residual_layers if k not in known]
    if absent:
        raise UserError(f"residual layers {absent}, expected layers of the head, {known[0]} to {known[-1]}")


def load_networks(job: Job, generator: nn.Sequential) -> tuple[nn.Module | None, PerceptualNetwork | None]:
    """Encoder and perceptual network, where method and settings ask for them."""
    part, perceptual = METHODS[job.method].encoder, None
    encoder = encoder_of(job, part, generator) if part else None
    if job.settings.lambda_perceptual:
        if not job.perceptual_checkpoint:
            raise UserError("lambda_perceptual is not 0, no perceptual network given; give --perceptual-checkpoint")
        device = compute.device(job.device)
        perceptual = load_perceptual(job.perceptual_family, job.perceptual_checkpoint, device, job.perceptual_settings)
    return encoder, perceptual


def encoder_of(job: Job, part: str, generator: nn.Sequential) -> nn.Module:
    """The trained part, or the encoder that the generator comes with."""
    if job.encoder:
        return load_encoder(job.encoder, part, generator, job.checkpoint, job.settings.layer)
    own = load_own_encoder(job.family, job.checkpoint, compute.device(job.device), job.generator_settings)
    if own is None:
        raise UserError(f"method {job.method} starts from an encoder, none given; give --encoder")
    return own


def invert(
    job: Job,
    generator: nn.Sequential,
    encoder: nn.Module | None,
    perceptual: PerceptualNetwork | None,
    images_NHW3: NDArray[np.uint8],
    index_N: NDArray[np.int64],
    size: BatchSize,
) -> inversions.Inversions:
    """Search for the images, going on from the saved state of a run that was broken off."""
    settings, n = job.settings, job.settings.layer
    generator_head, generator_tail = head(generator, n), tail(generator, n)
    steps = how(job).plan.logged()
    same: dict[str, Any] = {"steps": np.array(steps), "terms": TERMS, "method": job.method, "layer": n}
    if not len(index_N):
        return inversions.empty(image_size(generator), shapes(generator, n), residual_layers(job), **same)
    starts = [
        starting_point(job, generator, encoder, images_NHW3[row], int(index_N[row])) for row in range(len(index_N))
    ]
    key, goal = resume_key(job) | {"index": index_N.tolist()}, objective(settings, perceptual)

    def searched(places: int) -> list[Found]:
        search = Search(
            generator_head, generator_tail, goal, how(job), starts.__getitem__, index_N.tolist(), places
        )  # fmt: skip
        of_this_size = key | {"places": places}
        if (state := checkpoints.load_training(job.state, of_this_size)) is not None:
            search.load_state_dict(state)
        return search.run(lambda state: checkpoints.save_training(job.state, state, of_this_size))

    found = fitting(searched, size)
    ends = [ending(generator_head, generator_tail, start, image) for start, image in zip(starts, found, strict=True)]
    same |= {name: np.concatenate([end[name] for end in ends]) for name in ("x_hat", "z0", "z", "r0", "r")}
    return inversions.Inversions(
        x=images_NHW3, loss=torch.stack([image.loss_ST for image in found]).numpy(), index=index_N,
        converged=np.array([image.has_converged(steps, settings.converged_tolerance) for image in found]),
        **same,
        residuals={
            k: np.concatenate([_array(image.unknowns.residuals[k]) for image in found])
            for k in found[0].unknowns.residuals
        },
    )  # fmt: skip


def residual_layers(job: Job) -> list[int]:
    """Layers whose residuals the method moves."""
    return list(job.settings.residual_layers) if METHODS[job.method].moves == "residuals" else []


@torch.no_grad()
def starting_point(
    job: Job,
    generator: nn.Sequential,
    encoder: nn.Module | None,
    image_HW3: NDArray[np.uint8],
    number: int,
) -> Start:
    """Where the method starts for one image: z0 = E(x), or as the settings say; no residuals yet."""
    device, moves = compute.device(job.device), METHODS[job.method].moves
    x_13HW = from_bytes(image_HW3[None], device)
    z_1D = first_guess(job, generator, number).to(device) if encoder is None else encoder(x_13HW)
    layers = residual_layers(job)
    sizes = shapes(generator, job.settings.layer)
    return Start(Unknowns(z_1D, {k: z_1D.new_zeros(1, *sizes[k]) for k in layers}, moves == "z"), x_13HW)


def first_guess(job: Job, generator: nn.Sequential, number: int) -> Tensor:
    """z0 (1, D) without an encoder: drawn from (seed, number of the image) alone, or the mean of all z.

    Raises:
        UserError: the mean is asked for of a generator that knows the direction of z alone.
    """
    on_sphere, width = ignores_length(generator), latent_width(generator)
    if job.settings.z_start == "random":
        drawn = torch.randn(1, width, generator=compute.generator(job.seed, "invert", number))
        return canonical(drawn, on_sphere)
    if on_sphere:
        raise UserError("z_start mean, expected random: the generator normalises z, and the mean has no direction")
    return torch.zeros(1, width)


def objective(settings: SearchSettings, perceptual: PerceptualNetwork | None) -> Objective:
    """What the search makes small."""
    mean = settings.residual_norm == "mean"
    weights = Weights(settings.lambda_pixel, settings.lambda_perceptual, settings.lambda_reg, mean)
    return Objective(weights, perceptual, settings.feature_levels)


def how(job: Job) -> How:
    """How the method searches: without anything to move, it takes no step."""
    settings, moves = job.settings, METHODS[job.method].moves
    if moves == "nothing":
        return How(plan_from(settings, 0, 1.0))
    plan = plan_from(settings, settings.steps, getattr(settings.learning_rate, moves))
    patience = Patience(settings.patience, settings.plateau)
    return How(plan, patience, settings.precision)


@torch.no_grad()
def ending(head: nn.Sequential, tail: nn.Sequential, start: Start, found: Found) -> dict[str, NDArray[Any]]:
    """Start and end of one image, each array with one row; computed for it alone."""
    r, x_hat_13HW = reconstruct(head, tail, found.unknowns)
    z0_1D = start.unknowns.z_ND
    arrays = {"z0": z0_1D, "z": found.unknowns.z_ND, "r0": path(head, z0_1D)[-1], "r": r[-1]}
    return {name: _array(tensor) for name, tensor in arrays.items()} | {"x_hat": to_bytes(x_hat_13HW)}


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().cpu().float().numpy())


def provenance(job: Job, images: Sequence[str], listing: Mapping[str, str]) -> Provenance:
    """What the shard follows from; of `images`, shards are digested, and a user's source by its listing."""
    config = job.settings.given() | {"method": job.method, "generator": job.generator_settings, "first": job.first}
    return Provenance("invert", job.code, config, job.seed, input_files(job, images), listing)


def input_files(job: Job, images: Sequence[str]) -> list[str]:
    """Weights, and those of `images` that are shards."""
    compared_by = job.perceptual_family, job.perceptual_checkpoint
    perceptual = families.files("perceptual", *compared_by) if job.perceptual_checkpoint else []
    generator = families.files("generators", job.family, job.checkpoint)
    files = [*generator, job.generator_settings.get("file"), job.encoder, *perceptual, *shards_of(images)]
    return [str(file) for file in files if file and Path(file).is_file()]


def resume_key(job: Job) -> dict[str, Any]:
    """What a state must agree with: all keys that can change a result, and the digests of the input files."""
    digests = {file: digest_file(file) for file in input_files(job, job.images)}
    told = job.model_dump(exclude={"device", "threads", "state", "shard", "manifest"})
    return told | {"inputs": digests}


if __name__ == "__main__":
    command.run("invert", main)
