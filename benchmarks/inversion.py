"""Speed of one step of the search at 256 pixels, with VGG16, on one thread: ours, and the published form of it.

One line per figure: name, value, unit. Run as `python -m benchmarks.inversion`. Weights are random; they cost the same.
The published form: NCHW memory, pixel norm and upsampling as separate operations, one image at a time.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.stages import rate, show
from lacuna.generators.chain import head, tail
from lacuna.generators.progan.model import OutputLayer, ProgressiveGenerator, UpscaleLayer
from lacuna.inversion.layers import path
from lacuna.inversion.methods import Plan
from lacuna.inversion.objective import Objective, Weights
from lacuna.inversion.perceptual import Vgg16
from lacuna.inversion.search import How, Search
from lacuna.inversion.unknowns import Start, Unknowns
from lacuna.networks.layers import LEAK

SIZES = [512, 512, 512, 512, 256, 128, 64, 32]
RESIDUAL_LAYERS, HEAD = (1, 2, 3), 4


def main() -> None:
    torch.set_num_threads(1)
    generator, vgg = ProgressiveGenerator(SIZES).eval().requires_grad_(False), Vgg16().eval().requires_grad_(False)
    z, x = torch.randn(1, generator.z_dim), torch.rand(1, 3, 256, 256) * 2 - 1
    published = 1 / rate(published_step(generator, vgg, z, x)[0], 1, 12.0)
    show("invert_256px_published_step", published, "s")
    for name, batch, coarse in (("", 1, False), ("_bfloat16", 1, True), ("_bfloat16_batch4", 4, True)):
        seconds = 1 / rate(our_step(generator, vgg, batch, coarse), batch, 12.0)
        show(f"invert_256px_step{name}", seconds, "s/image")
        show(f"invert_256px{name}_speedup_ratio", published / seconds, "")


def our_step(generator: ProgressiveGenerator, vgg: Vgg16, batch: int, coarse: bool):  # type: ignore[no-untyped-def]
    """What does one step of our search, for `batch` images."""
    first, rest = head(generator, HEAD), tail(generator, HEAD)
    sizes = [r.shape for r in path(first, torch.zeros(1, generator.z_dim))]
    x = torch.rand(1, 3, 256, 256).contiguous(memory_format=torch.channels_last) * 2 - 1

    def start(row: int) -> Start:
        residuals = {k: torch.zeros(sizes[k - 1]) for k in RESIDUAL_LAYERS}
        return Start(Unknowns(torch.randn(1, generator.z_dim), residuals, False), x)

    how = How(Plan(10**6, 0.01, (), 0.5, 10**6), precision="bfloat16" if coarse else "float32")
    objective = Objective(Weights(1.0, 1.0, 1.0, True), vgg, (3,))
    steps = Search(first, rest, objective, how, start, range(batch), batch)._steps()
    return lambda: next(steps)


def published_step(
    generator: ProgressiveGenerator, vgg: Vgg16, z: Tensor, x: Tensor
) -> tuple[Callable[[], None], dict[int, Tensor]]:
    """What does one step of the published search, and the residuals that it moves."""
    layers = list(generator)
    residuals = [torch.zeros(r.shape, requires_grad=True) for r in path(head(generator, 3), z)]
    optimizer = torch.optim.Adam(residuals, lr=0.01)
    with torch.no_grad():
        target = vgg.features(x)[3]

    def step() -> None:
        r: Tensor = z[:, :, None, None]
        for number, layer in enumerate(layers):
            r = plain(layer, number, r)
            if number < len(residuals):
                r = r + residuals[number]
        loss = F.l1_loss(r, x) + F.l1_loss(vgg.features(r)[3], target) + sum(d.square().mean() for d in residuals)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step, dict(enumerate(residuals, start=1))


def plain(layer: nn.Module, number: int, x: Tensor) -> Tensor:
    """A layer of the generator in separate operations."""
    x = x / torch.sqrt(torch.mean(x**2, dim=1, keepdim=True) + 1e-8)
    if isinstance(layer, UpscaleLayer):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
    side = layer.conv.kernel_size[0]
    x = F.conv2d(x, layer.conv.weight, padding=3 if number == 0 else (side - 1) // 2) * layer.wscale.scale
    x = x + layer.wscale.b[:, None, None]
    return F.hardtanh(x) if isinstance(layer, OutputLayer) else F.leaky_relu(x, LEAK)


if __name__ == "__main__":
    main()
