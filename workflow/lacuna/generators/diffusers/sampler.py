"""Images of a pipeline of diffusers by index.

Each image has a random generator of its own, on the CPU, seeded from (seed, i), so that it is the same in any batch, in
any shard and, but for float error, on any device: one generator for a batch would give other noise to other batches.

Shape suffixes: N images, C channels, H height, W width.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacuna.errors import UserError
from lacuna.formats import captions
from lacuna.generators.diffusers.pipeline import library, read
from lacuna.generators.sampling import Request, Sampler
from lacuna.runtime import precision as arithmetic
from lacuna.runtime import seeds

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}  # of weights and noise; float32 otherwise
CALLED = {"steps": "num_inference_steps", "guidance": "guidance_scale", "eta": "eta"}  # settings, as the library has it


def load(checkpoint: str | Path, device: torch.device, **settings: Any) -> Sampler:
    """What draws the images of a pipeline.

    Args:
        settings: as `Settings.usage` gives them.

    Raises:
        UserError: the folder is no pipeline, is incomplete, would run code of its own, or does not take the settings.
    """
    wanted = settings.pop("precision", "float32")
    if wanted == "float16" and device.type == "cpu":
        raise UserError("precision: float16 asked for on cpu, which only GPUs have; use float32 or bfloat16")
    if wanted != "float16":
        arithmetic.check_precision(wanted, device)
    pipeline = read(checkpoint, DTYPES.get(wanted, torch.float32))
    if name := settings.pop("scheduler", None):
        pipeline.scheduler = _scheduler(pipeline, name, settings.get("steps", 50))
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(device)
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    drawn = PipelineSampler(pipeline, str(checkpoint), settings, wanted)
    drawn.check()
    return drawn


def _scheduler(pipeline: Any, name: str, steps: int) -> Any:
    """The scheduler called `name`, set up as the pipeline's own.

    Raises:
        UserError: there is none, or its steps are not for this pipeline.
    """
    own = pipeline.scheduler
    known = {found.__name__: found for found in (*own.compatibles, type(own))}
    if name not in known:
        raise UserError(f"scheduler: found {name!r}, expected one of: {', '.join(sorted(known))}")
    found = known[name].from_config(own.config)
    try:
        found.set_timesteps(steps)
    except ValueError as error:
        raise UserError(f"scheduler: {name} does not take {steps} steps ({error}); set steps") from None
    # Pipelines over pixels begin with unit noise whatever the scheduler says, and then draw blurs without a word.
    if not hasattr(pipeline, "prepare_latents") and float(found.init_noise_sigma) != 1:
        raise UserError(
            f"scheduler: {name} begins with noise of {float(found.init_noise_sigma):.3g}, {type(pipeline).__name__} "
            "with 1; expected a scheduler that begins with 1, such as DDIMScheduler"
        )
    return found


class PipelineSampler:
    """Draws image i of a seed, whatever the kind of pipeline.

    Attributes:
        note: what a file says of it beside the settings.
    """

    def __init__(self, pipeline: Any, folder: str, settings: Mapping[str, Any], precision: str) -> None:
        self.pipeline, self.folder, self.precision = pipeline, folder, precision
        self.settings = dict(settings)
        asked = self.settings.pop("prompts", None)
        self.prompts = [row.prompt for row in captions.read(asked)] if isinstance(asked, str) else asked
        self.parameters = inspect.signature(type(pipeline).__call__).parameters
        self.classes = _classes(pipeline) if "class_labels" in self.parameters else ()
        # The corrector's steps of score-based pipelines are a mean over the batch, so a batch is one image there.
        self.one_by_one = hasattr(pipeline.scheduler, "step_correct")
        self.note = {
            "pipeline": type(pipeline).__name__,
            "scheduler": type(pipeline.scheduler).__name__,
            "diffusers": library().__version__,
        }

    def check(self) -> None:
        """Refuse settings that the pipeline does not take.

        Raises:
            UserError: it takes other settings.
        """
        kind, takes_text = type(self.pipeline).__name__, "prompt" in self.parameters
        if takes_text != (self.prompts is not None):
            said = "takes texts, expected `prompts`" if takes_text else "takes no texts, expected no `prompts`"
            raise UserError(f"{self.folder}: {kind} {said}")
        takes = {name: called in self.parameters for name, called in CALLED.items()}
        if takes["eta"]:  # which pipelines drop without a word where the scheduler does not know it
            takes["eta"] = "eta" in inspect.signature(self.pipeline.scheduler.step).parameters
        takes |= {"size": {"height", "width"} <= self.parameters.keys(), "label": bool(self.classes)}
        for name in self.settings:
            if not takes.get(name):
                raise UserError(f"{self.folder}: {kind} with {self.note['scheduler']} takes no {name}; leave it out")
        label = self.settings.get("label", 0)
        if self.classes and label not in self.classes:
            raise UserError(f"{self.folder}: label: found {label}, expected a class from 0 to {self.classes[-1]}")

    def __call__(self, seed: int, first: int, last: int) -> Request:
        """Images `first` to `last`, yet to be drawn.

        Raises:
            UserError: there are fewer prompts.
        """
        if self.prompts is not None and last >= len(self.prompts):
            raise UserError(f"prompts: found {len(self.prompts)}, image {last} asked for; lower the source's count")
        index_N = np.arange(first, last + 1)
        seed_N = np.array([seeds.seed_for(seed, "sample", int(i)) for i in index_N])
        kept: dict[str, NDArray[np.int64]] = {"noise_seed": seed_N}
        if self.classes:
            chosen = self.settings.get("label")
            kept["label"] = index_N % len(self.classes) if chosen is None else np.full(len(index_N), chosen)

        def draw(rows: slice) -> Tensor:
            asked = {"class_labels": kept["label"][rows].tolist()} if self.classes else {}
            if self.prompts is not None:
                asked["prompt"] = self.prompts[first + rows.start : first + rows.stop]
            return self.images(seed_N[rows], asked)

        return Request(len(index_N), draw, kept)

    def images(self, seed_N: NDArray[np.int64], asked: Mapping[str, list[Any]]) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] from the seeds of their noise.

        Args:
            asked: what each image is of, by the pipeline's name for it.
        """
        device = self.pipeline.device
        with arithmetic.arithmetic("tf32" if self.precision == "tf32" else "float32", device):
            if not self.one_by_one:
                return self._drawn(seed_N, asked)
            ones = [slice(i, i + 1) for i in range(len(seed_N))]
            return torch.cat([self._drawn(seed_N[i], {key: its[i] for key, its in asked.items()}) for i in ones])

    def _drawn(self, seed_N: NDArray[np.int64], asked: Mapping[str, list[Any]]) -> Tensor:
        generators = [torch.Generator("cpu").manual_seed(int(seed)) for seed in seed_N]
        words = {CALLED[name]: value for name, value in self.settings.items() if name in CALLED}
        if size := self.settings.get("size"):
            words |= {"height": size, "width": size}
        if "batch_size" in self.parameters:
            words["batch_size"] = len(seed_N)
        kind = f"{self.folder}: {self.note['pipeline']} with {self.note['scheduler']}"
        try:
            with _untouched(self.pipeline.device, kind):
                found = self.pipeline(**words, **asked, generator=generators, output_type="pt").images
        except (ValueError, TypeError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{kind} does not draw: {' '.join(str(error).split())[:300]}") from None
        # Some give arrays whatever is asked for.
        x_NCHW = found if isinstance(found, Tensor) else torch.from_numpy(found).permute(0, 3, 1, 2)
        if x_NCHW.shape[1] != 3:
            raise UserError(f"{kind} makes images of {x_NCHW.shape[1]} channels, expected 3")
        return x_NCHW.float() * 2 - 1


def _classes(pipeline: Any) -> tuple[int, ...]:
    """Labels that a pipeline draws on demand."""
    network = getattr(pipeline, "transformer", None) or pipeline.unet
    number = network.config.get("num_embeds_ada_norm") or network.config.get("num_class_embeds") or 0
    return tuple(range(number))


@contextmanager
def _untouched(device: torch.device, kind: str) -> Iterator[None]:
    """Refuse noise from the process's own generator: it would depend on the batch.

    Raises:
        UserError: some was drawn.
    """
    states = [torch.get_rng_state, *([lambda: torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]
    before = [state() for state in states]
    yield
    if not all(torch.equal(state(), old) for state, old in zip(states, before, strict=True)):
        raise UserError(
            f"{kind} draws noise that no image has to itself, so an image would depend on its batch; expected a "
            "scheduler that draws none, such as DDIMScheduler"
        )
