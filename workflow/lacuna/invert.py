"""Invert images: find the z, or the features of a later layer, from which the generator makes them.

`layered_r` starts at z0 = E(x) and moves residuals d_k of the layers of generator_head,
r = d_n + g_n(... d_1 + g_1(z0)), until generator_tail(r) comes close to x.

Shape suffixes: N images, D latent numbers, H height, W width.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 3.2.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lacuna.formats import checkpoints, inversions, upp
from lacuna.inversion.layers import canonical, ignores_length, image_size, latent_width, path, shapes
from lacuna.inversion.methods import METHODS
from lacuna.inversion.objective import TERMS, Objective, Weights
from lacuna.inversion.plan import plan_from
from lacuna.inversion.search import Unknowns, has_converged, reconstruct, search
from lacuna.kit import command, compute
from lacuna.kit.provenance import Provenance, digest_file
from lacuna.models.chain import head, tail
from lacuna.models.perceptual import PerceptualNetwork
from lacuna.models.pixels import from_bytes, to_bytes
from lacuna.registry.encoders import load_encoder
from lacuna.registry.generators import load_generator
from lacuna.registry.perceptual import load_perceptual
from lacuna.sources import open_images

Found = dict[str, Tensor]  # what one batch ended with, a row an image


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    args = parse_args(argv)
    compute.threads(args.threads)
    generator = load_generator(args.family, args.checkpoint, compute.device(args.device), args.generator_settings)
    index_N, images_NHW3 = read_images(args, image_size(generator))
    encoder, perceptual = load_networks(args, generator)
    key = resume_key(args)
    done, batch = resumed(checkpoints.load_training(args.state, key))
    size = args.settings["batch_size"]
    for first in range(len(done) * size, len(index_N), size):
        rows = slice(first, first + size)
        save = saver(args.state, key, done)
        start = starting_point(args, generator, encoder, images_NHW3[rows], index_N[rows])
        x_NHW3 = images_NHW3[rows]
        done.append(invert_batch(args.settings, generator, perceptual, start, x_NHW3, index_N[rows], batch, save))
        batch = None
        saver(args.state, key, done)(None)
    write(args, done, index_N, images_NHW3)
    Path(args.state).unlink(missing_ok=True)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of the stage."""
    parser = command.parser("invert", __doc__)
    parser.add_argument("--method", choices=list(METHODS), required=True)
    parser.add_argument("--family", required=True)
    parser.add_argument("--checkpoint", required=True, help="weights of the generator")
    parser.add_argument("--generator-settings", type=command.json_object, default={})
    parser.add_argument("--encoder", help="trained part that the method starts from; all but `z` need it")
    parser.add_argument("--perceptual-family", help="needed where lambda_perceptual is not 0")
    parser.add_argument("--perceptual-checkpoint")
    parser.add_argument("--images", nargs="+", required=True, help="HDF5 shards, or one folder")
    parser.add_argument("--first", type=int, required=True, help="number of the first image")
    parser.add_argument("--last", type=int, required=True, help="number of the last image")
    parser.add_argument("--settings", type=command.json_object, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--state", required=True, help="where a run that was broken off goes on from")
    parser.add_argument("--shard", required=True)
    args = parser.parse_args(argv)
    known = range(1, args.settings["layer"] + 1)
    absent = [k for k in args.settings["residual_layers"] if k not in known]
    if absent:
        raise ValueError(f"residual layers {absent}, expected layers of the head, {known[0]} to {known[-1]}")
    if METHODS[args.method].encoder and not args.encoder:
        raise ValueError(f"method {args.method} starts from an encoder, none given; give --encoder")
    return args


def read_images(args: argparse.Namespace, size: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Numbers and pixels of the images to invert, which must have the generator's size."""
    source = open_images(args.images, args.first, args.last, size)
    if source.image_px != size * size:
        side = round(source.image_px**0.5)
        raise ValueError(
            f"{args.images[0]}: images of {side} pixels, expected the generator's {size}; resize or choose others"
        )
    batches = list(source.batches(args.settings["batch_size"]))
    for skipped in source.skipped:
        raise ValueError(f"{args.images[0]}: image {skipped.index} ({skipped.name}) cannot be read: {skipped.reason}")
    return np.concatenate([index for index, _ in batches]), np.concatenate([images for _, images in batches])


def load_networks(
    args: argparse.Namespace, generator: nn.Sequential
) -> tuple[nn.Module | None, PerceptualNetwork | None]:
    """Encoder and perceptual network, where method and settings ask for them."""
    part, perceptual = METHODS[args.method].encoder, None
    encoder = load_encoder(args.encoder, part, generator, args.checkpoint, args.settings["layer"]) if part else None
    if args.settings["lambda_perceptual"]:
        if not args.perceptual_checkpoint:
            raise ValueError("lambda_perceptual is not 0, no perceptual network given; give --perceptual-checkpoint")
        perceptual = load_perceptual(args.perceptual_family, args.perceptual_checkpoint, compute.device(args.device))
    return encoder, perceptual


@torch.no_grad()
def starting_point(
    args: argparse.Namespace,
    generator: nn.Sequential,
    encoder: nn.Module | None,
    images_NHW3: NDArray[np.uint8],
    index_N: NDArray[np.int64],
) -> Unknowns:
    """Where the method starts: z0 = E(x), or drawn from the image's number; no residuals yet."""
    device, moves = compute.device(args.device), METHODS[args.method].moves
    if encoder is not None:
        z_ND = encoder(from_bytes(images_NHW3, device))
    else:
        streams = [compute.generator(args.seed, "invert", int(number)) for number in index_N]
        drawn = torch.stack([torch.randn(latent_width(generator), generator=stream) for stream in streams])
        z_ND = canonical(drawn, ignores_length(generator)).to(device)
    layers = args.settings["residual_layers"] if moves == "residuals" else []
    sizes = shapes(generator, args.settings["layer"])
    return Unknowns(z_ND, {k: z_ND.new_zeros(len(z_ND), *sizes[k]) for k in layers}, moves == "z")


def invert_batch(
    settings: dict[str, Any],
    generator: nn.Sequential,
    perceptual: PerceptualNetwork | None,
    unknowns: Unknowns,
    images_NHW3: NDArray[np.uint8],
    index_N: NDArray[np.int64],
    state: dict[str, Any] | None,
    save: Callable[[dict[str, Any] | None], None],
) -> Found:
    """Search for one batch of images from a starting point."""
    n = settings["layer"]
    generator_head, generator_tail = head(generator, n), tail(generator, n)
    z0_ND = unknowns.z_ND.clone()
    weights = Weights(settings["lambda_pixel"], settings["lambda_perceptual"], settings["lambda_reg"])
    objective = Objective(from_bytes(images_NHW3, z0_ND.device), weights, perceptual, settings["feature_levels"])
    plan = plan_from(settings, settings["steps"] if unknowns.free else 0, settings["learning_rate"])
    trace = search(generator_head, generator_tail, unknowns, objective, plan, index_N.tolist(), state, save)
    with torch.no_grad():
        r, x_hat_N3HW = reconstruct(generator_head, generator_tail, unknowns)
        found = {
            "z0": z0_ND, "z": unknowns.z_ND, "r0": path(generator_head, z0_ND)[-1], "r": r[-1],
            "x_hat": torch.from_numpy(to_bytes(x_hat_N3HW)), "loss": trace.loss_NST, "steps": torch.tensor(trace.steps),
            "converged": has_converged(trace, settings["converged_tolerance"]),
        } | {f"d_{k}": residual for k, residual in unknowns.residuals.items()}  # fmt: skip
    return {name: tensor.detach().cpu().contiguous() for name, tensor in found.items()}


def resume_key(args: argparse.Namespace) -> dict[str, Any]:
    """What a state must agree with: all flags that can change a result, and the digests of the input files."""
    digests = {file: digest_file(file) for file in input_files(args)}
    ignored = {"device", "threads", "state", "shard"}
    return {name: value for name, value in vars(args).items() if name not in ignored} | {"inputs": digests}


def resumed(state: dict[str, Any] | None) -> tuple[list[Found], dict[str, Any] | None]:
    """Finished batches, and the state of the one that was under way."""
    return (state["done"], state["batch"]) if state else ([], None)


def saver(path: str, key: dict[str, Any], done: list[Found]) -> Callable[[dict[str, Any] | None], None]:
    """What saves the finished batches beside the state of the one under way."""
    return lambda batch: checkpoints.save_training(path, {"done": done, "batch": batch}, key)


def write(
    args: argparse.Namespace, done: Sequence[Found], index_N: NDArray[np.int64], images_NHW3: NDArray[np.uint8]
) -> None:
    """Join the batches and write the shard."""
    joined = {name: np.concatenate([found[name].numpy() for found in done]) for name in done[0]}
    residuals = {int(name.removeprefix("d_")): array for name, array in joined.items() if name.startswith("d_")}
    found = inversions.Inversions(
        **{name: joined[name] for name in ("x_hat", "z0", "z", "r0", "r", "loss", "converged")},
        x=images_NHW3, index=index_N, steps=done[0]["steps"].numpy(), terms=TERMS, method=args.method,
        layer=args.settings["layer"], residuals=residuals,
    )  # fmt: skip
    config = args.settings | {"method": args.method, "first": args.first, "last": args.last}
    inversions.write(args.shard, found, Provenance("invert", args.code, config, args.seed, input_files(args)))


def input_files(args: argparse.Namespace) -> list[str]:
    """Weights and image shards; a folder of images is tracked by its listing instead."""
    perceptual = upp.weights_files(args.perceptual_family, args.perceptual_checkpoint or "")
    files = [args.checkpoint, args.encoder, *perceptual, *args.images]
    return [str(file) for file in files if file and Path(file).is_file()]


if __name__ == "__main__":
    command.run("invert", main)
