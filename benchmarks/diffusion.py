"""Speed of sampling pipelines of diffusers by index, beside the library's own call, on one thread.

Run as `python -m benchmarks.diffusion`. Both sides have the same weights, steps and batch, in float32, and end in
images of bytes; they are measured in turns, so that what else the machine does meets both.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import diffusers
import numpy as np
import torch

from benchmarks.stages import show
from lacuna.generators.sampling import Sampler, load_sampler
from lacuna.runtime.batches import BatchSize
from lacuna.stages.sample import sample

BATCH, STEPS, TURNS = 8, 4, 6
SIZE = 32


def main() -> None:
    torch.set_num_threads(1)
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    for name, scheduler in (("ddpm", diffusers.DDPMScheduler()), ("ddim", diffusers.DDIMScheduler())):
        with tempfile.TemporaryDirectory() as folder:
            kind = diffusers.DDPMPipeline if name == "ddpm" else diffusers.DDIMPipeline
            kind(network(), scheduler).save_pretrained(folder)
            library = kind.from_pretrained(folder)
            library.set_progress_bar_config(disable=True)
            sampler = load_sampler("diffusers", [Path(folder)], torch.device("cpu"), {"steps": STEPS})
            ours, theirs = in_turns(lambda by=sampler: own(by), lambda by=library: called(by))
        show(f"sample_{name}_{SIZE}px", BATCH / ours, "images/s")
        show(f"sample_{name}_{SIZE}px_library", BATCH / theirs, "images/s")
        show(f"sample_{name}_{SIZE}px_to_library_ratio", theirs / ours, "x")


def network() -> diffusers.UNet2DModel:
    """A tenth of the network of google/ddpm-church-256 in width, of the same form below."""
    torch.manual_seed(0)
    return diffusers.UNet2DModel(
        sample_size=SIZE, layers_per_block=2, block_out_channels=(32, 64, 64), norm_num_groups=16,
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )  # fmt: skip


def own(sampler: Sampler) -> None:
    """One batch as the stage draws it."""
    sample(sampler(1, 0, BATCH - 1), BatchSize(BATCH))


def called(pipeline: diffusers.DiffusionPipeline) -> None:
    """One batch as the library's documentation has it: one generator, images of Pillow."""
    generator = torch.Generator().manual_seed(1)
    images = pipeline(batch_size=BATCH, generator=generator, num_inference_steps=STEPS).images
    np.stack([np.asarray(image) for image in images])


def in_turns(*works: Callable[[], None]) -> list[float]:
    """Seconds of each, the median of TURNS calls after one that does not count."""
    seconds = [[] for _ in works]
    for turn in range(TURNS + 1):
        for work, taken in zip(works, seconds, strict=True):
            begun = time.perf_counter()
            work()
            if turn:
                taken.append(time.perf_counter() - begun)
    return [float(np.median(taken)) for taken in seconds]


if __name__ == "__main__":
    main()
