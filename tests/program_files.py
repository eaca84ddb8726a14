"""Tiny segmenters as ONNX files and exported programs: one convolution, whose scores are half as large as the image."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

CLASSES = ["wall", "sky", "tree"]
SIZE = 64


class Convolution(nn.Module):
    """Scores (N, 3, H / 2, W / 2), or labels."""

    def __init__(self, layout: str = "NCHW", labels: bool = False) -> None:
        super().__init__()
        self.layout, self.labels = layout, labels
        self.convolution = nn.Conv2d(3, len(CLASSES), 3, stride=1 if labels else 2, padding=1)
        generator = torch.Generator().manual_seed(4)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        if self.layout == "NHWC":
            return self.convolution(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        found = self.convolution(x)
        return found.argmax(dim=1) if self.labels else found


def save_onnx(path: Path, shape: tuple[Any, ...] = ("n", 3, SIZE, SIZE), labels: bool = False, opset: int = 17) -> Path:
    """The graph, written by hand: exporting one needs more packages. NHWC where the colours come last."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    network = Convolution(labels=labels)
    weights = [
        numpy_helper.from_array(getattr(network.convolution, name).detach().numpy(), name)
        for name in ("weight", "bias")
    ]
    strides = list(network.convolution.stride)
    nodes = [
        helper.make_node("Conv", ["x", "weight", "bias"], ["y"], kernel_shape=[3, 3], strides=strides, pads=[1] * 4)
    ]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    if shape[3] == 3:
        nodes[0].input[0], nodes[0].output[0] = "x_first", "y_first"
        nodes.insert(0, helper.make_node("Transpose", ["x"], ["x_first"], perm=[0, 3, 1, 2]))
        nodes.append(helper.make_node("Transpose", ["y_first"], ["y"], perm=[0, 2, 3, 1]))
    if labels:
        nodes.append(helper.make_node("ArgMax", ["y"], ["labels"], axis=1, keepdims=1))
        output = helper.make_tensor_value_info("labels", TensorProto.INT64, None)
    graph = helper.make_graph(
        nodes, "segmenter", [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))], [output], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, str(path))
    return path


def save_exported(path: Path, layout: str = "NCHW", dynamic: bool = True) -> Path:
    """The same as a .pt2 file, for any number of images or for one at a time."""
    shape = (2 if dynamic else 1, 3, SIZE, SIZE) if layout == "NCHW" else (2, SIZE, SIZE, 3)
    shapes = {"x": {0: torch.export.Dim("n", min=1, max=64)}} if dynamic else None
    program = torch.export.export(Convolution(layout).eval(), (torch.zeros(shape),), dynamic_shapes=shapes)
    torch.export.save(program, str(path))
    return path
