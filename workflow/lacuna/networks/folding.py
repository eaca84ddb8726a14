"""Batch norms folded into the convolutions before them: the same function in eval mode, with less memory traffic."""

import re

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(network: nn.Module) -> None:
    """Fold, in place, every batch norm that follows a convolution; the network must be in eval mode.

    Pairs are found by their names: neighbours in a sequence (`0`, `1`), or `conv2` and `bn2`.
    """
    for module in list(network.modules()):
        children = dict(module.named_children())
        for name, child in children.items():
            partner = _norm_after(name)
            norm = children.get(partner)
            if isinstance(child, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(child, norm))
                setattr(module, partner, nn.Identity())


def _norm_after(name: str) -> str:
    """Name of the batch norm that would belong to the convolution of this name."""
    if name.isdigit():
        return str(int(name) + 1)
    return re.sub(r"^conv(\d)$", r"bn\1", name)
