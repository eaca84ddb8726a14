"""Arg-max without upsampling what cannot win: equal to the plain form, whatever the logits and sizes."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lacuna.segmenters import upsampled_argmax as module
from lacuna.segmenters.upsampled_argmax import plain_argmax, upsampled_argmax

SIZES = [
    ((8, 8), (32, 32)), ((7, 9), (30, 41)), ((5, 6), (64, 7)), ((1, 1), (5, 5)), ((1, 4), (9, 33)), ((8, 8), (8, 8)),
    ((16, 16), (23, 25)), ((8, 8), (5, 6)), ((3, 4), (6, 8)),
]  # fmt: skip


def smooth(classes: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    """Logits as networks make them: neighbours alike, few classes in the lead."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, classes, 3, 3, generator=random) * 5
    return functional.interpolate(coarse, size=size, mode="bicubic")[0]


def assert_equal_but_at_ties(found: Tensor, logits: Tensor, size: tuple[int, int], align_corners: bool) -> None:
    full = functional.interpolate(logits[None].double(), size=size, mode="bilinear", align_corners=align_corners)[0]
    best = full.max(dim=0).values
    taken = full.gather(0, found[None])[0]
    assert found.shape == size
    assert (best - taken).max() <= 1e-6 * logits.abs().max()


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("size", "larger"), SIZES)
def test_equal_to_the_plain_form_on_smooth_and_on_random_logits(
    size: tuple[int, int], larger: tuple[int, int], align_corners: bool
) -> None:
    for logits in (smooth(20, size), torch.randn(20, *size, generator=torch.Generator().manual_seed(1))):
        found = upsampled_argmax(logits, larger, align_corners)
        assert_equal_but_at_ties(found, logits, larger, align_corners)
        assert (found == plain_argmax(logits, larger, align_corners)).float().mean() > 0.999


def test_pruning_is_used_where_it_pays_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(module, "plain_argmax", lambda *_: called.append("plain"))
    upsampled_argmax(smooth(40, (8, 8)), (32, 32))
    assert called == []
    upsampled_argmax(torch.randn(40, 8, 8), (32, 32))  # every cell has many candidates
    upsampled_argmax(smooth(40, (8, 8)), (8, 8))
    assert called == ["plain", "plain"]


def test_a_class_that_leads_at_no_sample_can_win_between_them() -> None:
    """The middle class is second at both ends and first halfway: corner winners alone would miss it."""
    logits = torch.tensor([[10.0, -10.0], [4.0, 4.0], [-10.0, 10.0]])[:, None, :].expand(3, 2, 2)
    logits = torch.cat([logits, torch.full((40, 2, 2), -50.0)])
    found = upsampled_argmax(logits, (16, 16))
    assert found.unique().tolist() == [0, 1, 2]
    assert torch.equal(found, plain_argmax(logits, (16, 16)))


def test_equal_classes_go_to_the_first() -> None:
    logits = torch.full((40, 4, 4), -1.0)
    logits[[7, 9]] = smooth(1, (4, 4)).expand(2, 4, 4).abs() + 1
    assert (upsampled_argmax(logits, (16, 16)) == 7).all()


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_the_size_of_the_logits_does_not_matter(scale: float) -> None:
    logits = smooth(40, (8, 8))
    assert torch.equal(upsampled_argmax(logits * scale, (32, 32)), upsampled_argmax(logits, (32, 32)))


def test_almost_equal_classes_everywhere() -> None:
    """Adversarial: two classes that differ by the last bits of a float, and many that stay far below."""
    lead = smooth(1, (8, 8))[0] + 100
    logits = torch.cat([lead[None], lead[None] + torch.randn(1, 8, 8) * 1e-5, smooth(40, (8, 8))])
    assert_equal_but_at_ties(upsampled_argmax(logits, (33, 31)), logits, (33, 31), False)
