"""A published StyleGAN2 in one form, whatever file it came in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.generators.stylegan2.model import MAPPING_RATE

TAPS = (1.0, 3.0, 3.0, 1.0)


@dataclass(frozen=True)
class Published:
    """Weights under the network's own names, and what their shapes do not say.

    Attributes:
        key_of: what the file calls a weight, for messages.
        rate: learning rate of the mapping network.
        clamps: largest value by module; those that are not named have none.
    """

    weights: Mapping[str, Tensor]
    key_of: Callable[[str], str]
    rate: float = MAPPING_RATE
    clamps: Mapping[str, float] = field(default_factory=dict)


def check_filter(key: str, found: Tensor, gain: float) -> None:
    """The one filter that the network is built with, times `gain`.

    Raises:
        UserError: the checkpoint has another.
    """
    tap_4 = torch.tensor(TAPS)
    expected_44 = torch.outer(tap_4, tap_4) / 64 * gain
    if found.shape != expected_44.shape or not torch.allclose(found.float(), expected_44, rtol=1e-4):
        raise UserError(f"{key} is another filter than [1, 3, 3, 1], expected that of the published StyleGAN2")
