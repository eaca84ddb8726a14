"""Train one part of an encoder, the inverse of a generator: x -> z.

Parts: `layer_K` undoes layer K of generator_head, `tail` undoes generator_tail; `encoder` composes these and tunes them
together; `direct` is the same network trained end to end from nothing, the baseline.

Shape suffixes: N images, D latent numbers.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 3.2.
"""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.formats import checkpoints, tables
from lacuna.generators.loading import load_generator
from lacuna.inversion import pairs
from lacuna.inversion.encoder_loading import load_encoder, metadata_of, new_encoder, part_of
from lacuna.inversion.encoders import LayerEncoder
from lacuna.inversion.layers import canonical, device_of, ignores_length, latent_width, layer_and_before
from lacuna.inversion.least_squares import fit_chain, fit_linear
from lacuna.inversion.methods import plan_from
from lacuna.inversion.states import packed
from lacuna.inversion.training import Task, train
from lacuna.runtime import command, compute, precision, seeds
from lacuna.runtime.provenance import digest_file

FIT_BATCH = 32  # samples at once while a linear map is solved for; bounds the memory


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    args = parse_args(argv)
    compute.configure(args.threads)
    device = compute.device(args.device)
    args.settings = precision.settled(args.settings, device)
    generator = packed(load_generator(args.family, args.checkpoint, device, args.generator_settings))
    task = training_task(args, generator)
    origin = {"code": args.code, "seed": args.seed, "settings": args.settings, "generator": args.generator_settings}
    key = origin | {"part": args.part, "inputs": input_digests(args)}
    state = checkpoints.load_training(args.state, key)
    if state is None:
        prepare(task.encoder, args, generator)
    kind = "layer" if args.part.startswith("layer_") else args.part
    plan = plan_from(args.settings, args.settings["steps"][kind], args.settings["learning_rate"][kind])
    rows = train(task, plan, state, lambda new: checkpoints.save_training(args.state, new, key))
    tables.write_tsv(args.log, list(rows[0]), [list(row.values()) for row in rows])
    validation = {name: value for name, value in rows[-1].items() if math.isfinite(value)}
    metadata = metadata_of(args.part, args.settings, args.checkpoint) | origin | {"validation": validation}
    checkpoints.save_weights(args.weights, task.encoder.state_dict(), metadata)
    Path(args.state).unlink(missing_ok=True)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of the stage."""
    parser = command.parser("train_encoder", __doc__)
    parser.add_argument("--part", required=True, help="layer_K, tail, encoder or direct")
    parser.add_argument("--family", required=True)
    parser.add_argument("--checkpoint", required=True, help="weights of the generator")
    parser.add_argument("--generator-settings", type=command.json_object, default={})
    parser.add_argument("--parts-dir", required=True, help="folder of the parts that `encoder` is composed of")
    parser.add_argument("--settings", type=command.json_object, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--state", required=True, help="where a training that was broken off goes on from")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--log", required=True)
    return parser.parse_args(argv)


def training_task(args: argparse.Namespace, generator: nn.Sequential) -> Task:
    """The untrained part, its losses and its latents."""
    settings = args.settings
    return Task(
        encoder=new_encoder(args.part, generator, settings, seeds.seed_for(args.seed, "train_encoder", args.part)),
        pairs=part_pairs(args.part, generator, settings["layer"]),
        losses=part_losses(args.part, settings),
        latents=latents(args.seed, args.part, generator, settings["batch_size"]),
        validation=latents(args.seed, "validation", generator, settings["validation"])(0),
        precision=settings["precision"],
        name=f"{Path(args.weights).parent.name} {args.part}",
    )


def part_pairs(part: str, generator: nn.Sequential, n: int) -> pairs.PairsOf:
    """What the part is to make equal."""
    if part.startswith("layer_"):
        return pairs.layer_pairs(generator, int(part.removeprefix("layer_")))
    return pairs.tail_pairs(generator, n) if part == "tail" else pairs.encoder_pairs(generator, n)


def part_losses(part: str, settings: Mapping[str, Any]) -> dict[str, pairs.Loss]:
    """What each of the part's pairs counts, and how its difference is measured."""
    n, measures = settings["layer"], settings["losses"]
    if part in ("encoder", "direct"):
        features = measures["encoder"]
        return {
            "z": pairs.Loss(settings["loss_z"], features), f"estimated_{n}": pairs.Loss(settings["loss_r"], features),
            f"remade_{n}": pairs.Loss(settings["loss_r"], features), "x": pairs.Loss(settings["loss_x"], measures["x"]),
        }  # fmt: skip
    if part == "tail":
        return {"left": pairs.Loss(1.0, measures["tail"]), "right": pairs.Loss(settings["lambda_r"], measures["x"])}
    return {
        name: pairs.Loss(weight, measures["layer"]) for name, weight in (("left", 1.0), ("right", settings["lambda_r"]))
    }


def latents(seed: int, name: str, generator: nn.Sequential, count: int) -> Callable[[int], Tensor]:
    """Step -> its latents (N, D), from (seed, name, step) alone."""
    on_sphere, device, width = ignores_length(generator), device_of(generator), latent_width(generator)

    def draw(step: int) -> Tensor:
        rng = compute.generator(seed, "train_encoder", name, step)
        return canonical(torch.randn(count, width, generator=rng), on_sphere).to(device)

    return draw


def prepare(encoder: nn.Module, args: argparse.Namespace, generator: nn.Sequential) -> None:
    """Where the training starts: linear maps are solved for, `encoder` is composed of the trained parts before."""
    if args.part == "encoder":
        assert isinstance(encoder, nn.Sequential)
        for name, path in part_files(args).items():
            part = load_encoder(path, name, generator, args.checkpoint, args.settings["layer"])
            part_of(encoder, name).load_state_dict(part.state_dict())
    draw = latents(args.seed, f"{args.part}/fit", generator, FIT_BATCH)
    batches = map(draw, range(-(-args.settings["fit_samples"] // FIT_BATCH)))
    if not args.settings["fit_samples"]:
        return
    if isinstance(encoder, LayerEncoder):
        layer, before = layer_and_before(generator, int(args.part.removeprefix("layer_")))
        with torch.no_grad():
            fit_linear(encoder, ((layer(r), r) for r in map(before, batches)))
    elif args.part == "encoder" and args.settings["network"] == "layered":
        assert isinstance(encoder, nn.Sequential)
        fit_chain(encoder, map(partial(pairs.image_and_path, generator, args.settings["layer"]), batches))


def part_files(args: argparse.Namespace) -> dict[str, Path]:
    """Files of the parts that this one is composed of."""
    if args.part != "encoder":
        return {}
    names = [*(f"layer_{k}" for k in range(1, args.settings["layer"] + 1)), "tail"]
    return {name: Path(args.parts_dir) / f"{name}.safetensors" for name in names}


def input_digests(args: argparse.Namespace) -> dict[str, str]:
    """Digest of the generator and of the parts, which a state must agree with to be resumed."""
    code = [args.generator_settings["file"]] if "file" in args.generator_settings else []
    return {Path(path).name: digest_file(path) for path in (args.checkpoint, *code, *part_files(args).values())}


if __name__ == "__main__":
    command.run("train_encoder", main)
