"""The parsing network: its parts against closed forms."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from golden_folder import GoldenFolder
from torch.nn import functional

from lacuna.networks.folding import fold_batch_norms
from lacuna.networks.resnet import Projection, ResNet
from lacuna.segmenters.parsing import part_blocks, part_labels
from lacuna.segmenters.parsing_segmenter import SIGNED_RGB, ParsingSegmenter, build_network
from lacuna.segmenters.upernet.model import HEADS, UPerNet, fused_convolution, resized, saves_work
from lacuna.segmenters.upernet.prroi import pooling_matrix, prroi_pool
from lacuna.segmenters.upp.checkpoint import published_segmenter

OBJECTS = ["-", "sky", "building", "person"]
OWNERS = {"building-wall": "building", "building-door": "building", "person-head": "person"}
PARTS = ["-", *OWNERS]
CLASSES = {"object": OBJECTS, "part": PARTS, "material": ["-", "stone", "skin"], "scene": ["house", "barn"]}
SMALL = {
    "encoder": {"block": "basic", "depths": [1, 1, 1, 1], "stem_widths": [4, 4, 4], "widths": [4, 8, 8, 8],
                "stem_stride": 1},
    "fpn_dim": 8, "ppm_dim": 4,
}  # fmt: skip
# The 8 x 8 ramp x[row, column] = row / 8 + column / 64, pooled; by direct integration of the published kernel.
RAMP_IN_3_BINS = [[0.1875, 0.2291666667, 0.2161458333], [0.5208333333, 0.5625, 0.4869791667],
                  [0.6627604167, 0.6966145833, 0.5903320313]]  # fmt: skip
ONES_IN_2_BINS = [[1.0, 0.875], [0.875, 0.765625]]


def small_segmenter(seed: int = 1) -> ParsingSegmenter:
    """An untrained segmenter whose classes all occur."""
    torch.manual_seed(seed)
    network = build_network(CLASSES, OWNERS, SMALL).eval()
    for head in (network.decoder.object_head, network.decoder.part_head, network.decoder.material_head):
        weight = head[1].weight.data
        head[1].weight.data = 30 * (weight - weight.mean(dim=1, keepdim=True))
        head[1].bias.data.zero_()
    return ParsingSegmenter(network, CLASSES, OWNERS, SIGNED_RGB, 32)


def noise(count: int, size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_pooling_is_the_exact_integral_of_the_interpolant() -> None:
    ramp = (torch.arange(8)[:, None] / 8 + torch.arange(8)[None] / 64)[None, None]
    torch.testing.assert_close(prroi_pool(ramp, 3)[0, 0], torch.tensor(RAMP_IN_3_BINS), atol=1e-7, rtol=0)
    torch.testing.assert_close(prroi_pool(torch.ones(1, 1, 8, 8), 2)[0, 0], torch.tensor(ONES_IN_2_BINS))


def test_pooling_agrees_with_fine_numerical_integration() -> None:
    line, bins = torch.linspace(-1, 2, 7, dtype=torch.float64), 3
    t = (np.arange(700_000) + 0.5) / 100_000
    interpolant = np.interp(t, np.arange(8), [*line, 0.0])  # falls to zero one sample beyond the map
    edges = np.linspace(0, 7, bins + 1)
    expected = [interpolant[(t >= low) & (t < high)].mean() for low, high in pairwise(edges)]
    np.testing.assert_allclose(pooling_matrix(7, bins).double() @ line, expected, atol=2e-5)  # step 1e-5 of the sum


@pytest.mark.parametrize("size", [(4, 4), (3, 8), (1, 1), (8, 8)])
def test_fused_convolution_equals_the_plain_one_borders_included(size: tuple[int, int]) -> None:
    x, weight = torch.randn(2, 5, *size), torch.randn(7, 5, 3, 3)
    plain = functional.conv2d(resized(x, (16, 16)), weight, padding=1)
    torch.testing.assert_close(fused_convolution(weight, x, (16, 16)), plain, atol=1e-4, rtol=1e-4)


def test_fusion_convolution_moves_to_low_resolution_only_where_that_is_cheaper() -> None:
    wide, narrow = torch.empty(512, 512, 3, 3), torch.empty(32, 32, 3, 3)
    assert saves_work(wide, (32, 32), (64, 64))
    assert not saves_work(narrow, (32, 32), (64, 64))
    assert not saves_work(wide, (64, 64), (64, 64))


@pytest.mark.parametrize(("stride", "block"), [(1, "basic"), (2, "bottleneck"), (4, "bottleneck")])
def test_stem_stride_sets_the_size_of_the_finest_map(stride: int, block: str) -> None:
    encoder = ResNet(block, (1, 1, 1, 1), (4, 4, 4), (4, 4, 8, 8), stride).eval()
    sizes = [tuple(level.shape[-2:]) for level in encoder(torch.zeros(1, 3, 64, 64))]
    assert sizes == [(64 // stride // 2**level,) * 2 for level in range(4)]


def test_only_the_heads_that_are_asked_for_are_computed() -> None:
    network = small_segmenter().network
    called: list[str] = []
    for head in HEADS:
        getattr(network.decoder, f"{head}_head").register_forward_hook(lambda *_, head=head: called.append(head))
    network.decoder.conv_fusion[2].register_forward_hook(lambda *_: called.append("fusion"))
    for heads, expected in [({"object"}, ["fusion", "object"]), ({"scene"}, ["scene"]), ({"material"}, ["material"])]:
        called.clear()
        found = network(torch.zeros(1, 3, 32, 32), heads)
        assert called == expected and set(found) == heads


def test_folded_network_gives_the_same_logits() -> None:
    network = small_segmenter().network
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(), module.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 3, 32, 32)
    before = network(x)
    fold_batch_norms(network)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    for head, logits in network(x).items():
        torch.testing.assert_close(logits, before[head], atol=1e-3, rtol=1e-3)  # float32, weights in another order


def test_batches_of_one_and_eight_give_the_same_labels() -> None:
    segmenter, images = small_segmenter(), noise(8)
    together = segmenter.label_maps(images, ("object", "part", "material", "scene"))
    for i in range(8):
        for head, labels in segmenter.label_maps(images[i : i + 1], ("object", "part", "material", "scene")).items():
            assert (labels[0] != together[head][i]).float().mean() < 1e-3  # ties within float error


def test_parts_belong_to_the_object_of_their_pixel() -> None:
    labels = small_segmenter().label_maps(noise(4), ("object", "part"))
    owner = torch.tensor([0, *(OBJECTS.index(OWNERS[part]) for part in PARTS[1:])])
    found = labels["part"] > 0
    assert found.any()
    assert (owner[labels["part"]] == labels["object"])[found].all()


def test_part_labels_take_the_best_channel_of_the_owners_block() -> None:
    blocks = part_blocks(OBJECTS, PARTS, OWNERS)
    assert [(block.owner, block.first, block.parts) for block in blocks] == [(2, 0, (0, 1, 2)), (3, 3, (0, 3))]
    logits = torch.tensor([1.0, 3.0, 2.0, 0.0, 9.0]).view(1, 5, 1, 1).expand(1, 5, 1, 4)
    objects = torch.tensor([[[0, 1, 2, 3]]])
    assert part_labels(logits, objects, blocks).flatten().tolist() == [0, 0, 1, 3]


def test_a_class_count_that_does_not_fit_the_labels_is_one_clear_line() -> None:
    decoder = small_segmenter().network.decoder.state_dict()
    labels = {"object": OBJECTS[:3], "material": CLASSES["material"], "scene": CLASSES["scene"],
              "object_part": {"building": ["-", "wall", "door"]}}  # fmt: skip
    with pytest.raises(ValueError, match="the object head has 4 classes, its labels 3"):
        published_segmenter(labels, {}, decoder, "weights")


def test_the_published_architecture_has_the_published_keys(golden: GoldenFolder) -> None:
    for part in ("encoder", "decoder"):
        shapes = golden.shapes(f"seg_{part}")
        channels = {head: shapes[f"{head}_head.{2 if head == 'scene' else 1}.weight"][0] for head in HEADS} if (
            part == "decoder"
        ) else {"object": 336, "part": 41, "material": 26, "scene": 365}  # fmt: skip
        with torch.device("meta"):
            network = getattr(UPerNet(channels, {}), part)
        assert {key: list(value.shape) for key, value in network.state_dict().items()} == shapes


@pytest.mark.parametrize("channels", [3, 4, 8, 24])
def test_a_projection_is_a_strided_convolution_and_so_is_its_gradient(channels: int) -> None:
    """Fewer than 8 channels with a stride made oneDNN write beyond its buffers: see `Projection`."""
    x = torch.randn(8, channels, 9, 9, generator=torch.Generator().manual_seed(1)).requires_grad_()
    ours = Projection(channels, 16, stride=2).to(memory_format=torch.channels_last)
    ours(x.contiguous(memory_format=torch.channels_last)).square().sum().backward()
    plain = torch.nn.Conv2d(channels, 16, 1, stride=2, bias=False).double()
    plain.weight.data.copy_(ours.weight.data)
    exact = x.detach().double().requires_grad_()
    plain(exact).square().sum().backward()
    assert plain.weight.grad is not None and exact.grad is not None
    torch.testing.assert_close(ours.weight.grad.double(), plain.weight.grad, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(x.grad.double(), exact.grad, rtol=1e-4, atol=1e-4)
