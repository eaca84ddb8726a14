"""Loss over CPU time of the search at 256 pixels with VGG16: the published form of it, and ours.

    python -m benchmarks.inversion_curve GOLDEN [published steps] [our steps]

GOLDEN is a folder of golden data: its recipe makes the weights, its first photo is the one to be found. Both searches
start at the same z = E(x) and have the objective of the released code. A line every few steps: name, step, CPU
seconds since the start of the search, loss in float32. Last, how long ours takes to where the published one ends.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.inversion import published_step
from benchmarks.stages import show
from lacuna.formats.checkpoints import load_strict
from lacuna.generators.chain import Generator, head, tail
from lacuna.generators.progan import model as progan
from lacuna.inversion.layers import path
from lacuna.inversion.methods import Plan
from lacuna.inversion.objective import Objective, Weights
from lacuna.inversion.perceptual import Vgg16
from lacuna.inversion.published_encoder import HybridEncoder
from lacuna.inversion.search import How, Search
from lacuna.inversion.unknowns import Start, Unknowns, reconstruct

HEAD, RESIDUAL_LAYERS, LOG_EVERY = 4, (1, 2, 3), 5
LEARNING_RATE, MILESTONES, DECAY = 0.05, (0.5, 0.75, 0.9), 0.3  # ours; the published one keeps to 0.01
Curve = list[tuple[float, float]]  # CPU seconds, loss


def main() -> None:
    torch.set_num_threads(1)
    folder, steps = Path(sys.argv[1]), [int(text) for text in sys.argv[2:]] or [150, 130]
    generator, vgg, z, x = case(folder)
    objective = Objective(Weights(1.0, 1.0, 1.0, True), vgg, (3,))

    def loss_of(residuals: dict[int, Tensor]) -> Callable[[], float]:
        return lambda: loss(generator, objective, z, x, residuals)

    step, residuals = published_step(generator, vgg, z, x)
    published = follow("published", (step() for _ in range(steps[0])), loss_of(residuals))
    search = our_search(generator, objective, z, x, steps[-1])
    ours = follow("ours", search._steps(), loss_of(search.unknowns.residuals))
    target = published[-1][1]
    reached = next((seconds for seconds, value in ours if value <= target), float("nan"))
    show("invert_256px_published_cpu", published[-1][0], f"s to loss {target:.4g}, {steps[0]} steps")
    show("invert_256px_ours_cpu", reached, "s to the same loss")
    show("invert_256px_same_loss_ratio", published[-1][0] / reached, "")


def case(folder: Path) -> tuple[Generator, Vgg16, Tensor, Tensor]:
    """Generator, perceptual network, z = E(x) and x (1, 3, 256, 256) of a golden folder."""
    spec = importlib.util.spec_from_file_location("recipe", folder / "recipe.py")
    assert spec is not None and spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    meta = json.loads((folder / "meta.json").read_text())

    def weights(name: str, renamed: str = "", to: str = "") -> dict[str, Tensor]:
        shapes = json.loads((folder / f"manifest_{name}.json").read_text())
        made = {key: recipe.tensor_for(key, shape, meta["key_prefix"]) for key, shape in shapes.items()}
        return {key.replace(renamed, to, 1): torch.from_numpy(array) for key, array in made.items()}

    generator, state = progan.from_weights(weights("proggan256"))
    load_strict(generator, state, folder)
    vgg, encoder = Vgg16(), HybridEncoder()
    load_strict(vgg, weights("vgg16_features_to_20", "features.", "layers."), folder)
    load_strict(encoder, weights("hybrid_encoder"), folder)
    (photo,) = (folder / "photos").glob(f"*_{meta['photos'][0]}_*")
    x = torch.from_numpy(np.asarray(Image.open(photo).convert("RGB"), np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
    for network in (generator, vgg, encoder):
        network.eval().requires_grad_(False)
    return generator, vgg, encoder(x), x


def our_search(generator: Generator, objective: Objective, z: Tensor, x: Tensor, steps: int) -> Search:
    """Our search, with larger steps that shrink, in bfloat16."""
    sizes = [r.shape for r in path(head(generator, HEAD), z)]
    x = x.contiguous(memory_format=torch.channels_last)

    def start(row: int) -> Start:
        return Start(Unknowns(z.clone(), {k: torch.zeros(sizes[k - 1]) for k in RESIDUAL_LAYERS}, False), x)

    how = How(Plan(steps, LEARNING_RATE, MILESTONES, DECAY, LOG_EVERY), precision="bfloat16")
    return Search(head(generator, HEAD), tail(generator, HEAD), objective, how, start, [0], 1)


def follow(name: str, steps: Iterator[None], loss_now: Callable[[], float]) -> Curve:
    """CPU time and loss while a search goes on; what the measuring takes does not count."""
    curve, spent = [(0.0, loss_now())], 0.0
    begun = time.process_time()
    for number, _ in enumerate(steps, start=1):
        spent += time.process_time() - begun
        if number % LOG_EVERY == 0:
            curve.append((spent, loss_now()))
            print(f"{name} {number} {spent:.2f} {curve[-1][1]:.5f}", flush=True)
        begun = time.process_time()
    return curve


@torch.no_grad()
def loss(generator: Generator, objective: Objective, z: Tensor, x: Tensor, residuals: dict[int, Tensor]) -> float:
    """The objective in float32."""
    _, x_hat = reconstruct(head(generator, HEAD), tail(generator, HEAD), Unknowns(z, residuals, False))
    return float(objective.terms(x_hat, residuals, x, objective.features(x))[0, 0])


if __name__ == "__main__":
    main()
