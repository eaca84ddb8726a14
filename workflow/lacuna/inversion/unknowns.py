"""What is searched for: where a search begins, where it stands and what it ends with.

Shape suffixes: N images, D latent numbers, H height, W width, S rows of the log, T terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lacuna.inversion.layers import path
from lacuna.inversion.objective import TERMS

CONVERGENCE_WINDOW = 0.2  # last share of an image's steps, over which the fall of its loss is judged


@dataclass
class Unknowns:
    """Where a search stands: z of each image, d_k (N, ...) by layer k, and whether z may move, too."""

    z_ND: Tensor
    residuals: dict[int, Tensor]
    z_moves: bool

    @property
    def free(self) -> list[Tensor]:
        """What the search moves."""
        return [*([self.z_ND] if self.z_moves else []), *self.residuals.values()]

    @property
    def tensors(self) -> list[Tensor]:
        """All of it, one row per image."""
        return [self.z_ND, *self.residuals.values()]

    def repeated(self, count: int) -> "Unknowns":
        """The one image of these unknowns, `count` times."""

        def repeat(tensor: Tensor) -> Tensor:
            return tensor.detach().repeat(count, *[1] * (tensor.dim() - 1))

        return Unknowns(repeat(self.z_ND), {k: repeat(d) for k, d in self.residuals.items()}, self.z_moves)


@dataclass(frozen=True)
class Start:
    """One image to be found, x (1, 3, H, W), and where its search begins: unknowns of one row."""

    unknowns: Unknowns
    x_13HW: Tensor


@dataclass(frozen=True)
class Found:
    """What the search ended with for one image: unknowns of one row, and the loss over the log.

    loss_ST: NaN after the image has stopped.
    failed: its loss was not finite; the unknowns are the last good ones.
    """

    unknowns: Unknowns
    loss_ST: Tensor
    failed: bool

    def has_converged(self, steps: Sequence[int], tolerance: float) -> bool:
        """Whether the last fifth of the image's steps made at most the share `tolerance` of the whole fall of its loss.

        Measured against the whole fall, not against what is left, which is next to nothing for a generator's own
        samples. False for an image that failed; without a search, true.

        Args:
            steps: of the rows of the log.
        """
        total_S = self.loss_ST[:, TERMS.index("total")]
        logged = [row for row in range(len(steps)) if torch.isfinite(total_S[row])]
        if self.failed or not logged:
            return False
        last = logged[-1]
        before = max(row for row in logged if steps[row] <= (1 - CONVERGENCE_WINDOW) * steps[last])
        return bool(total_S[before] - total_S[last] <= tolerance * (total_S[0] - total_S[last]))


def reconstruct(head: nn.Sequential, tail: nn.Sequential, unknowns: Unknowns) -> tuple[list[Tensor], Tensor]:
    """r_1, ..., r_n and x_hat."""
    r = path(head, unknowns.z_ND, unknowns.residuals)
    return r, tail(r[-1])
