"""A small residual network that names the class of an image.

Shape suffixes: N images, K classes, C channels, H height, W width.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lacuna.networks.resnet import ResNet


class ResidualClassifier(nn.Module):
    """Image -> one score per class: residual network, mean over the map, linear.

    Args:
        architecture: settings of the ResNet.
    """

    def __init__(self, architecture: Mapping[str, Any], num_classes: int) -> None:
        super().__init__()
        self.encoder = ResNet(**architecture)
        self.head = nn.Linear(self.encoder.out_widths[-1], num_classes)

    def forward(self, x_N3HW: Tensor) -> Tensor:
        scores_NK: Tensor = self.head(self.encoder(x_N3HW)[-1].mean((2, 3)))
        return scores_NK
