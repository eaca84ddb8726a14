"""Segmenters of the library transformers at 512 pixels and 150 classes: ours beside the library's own calls.

Same random weights, photos, batch and one thread; the library prepares images, runs the network and post-processes.
Run as `python -m benchmarks.foreign`.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from benchmarks.stages import show
from benchmarks.upp_case import photos
from lacuna.segmenters.loading import load_segmenter

SIZE, CLASSES, IMAGES = 512, 150, 4
STAGES = ["stage1", "stage2", "stage3", "stage4"]
NAMES: dict[str, Any] = {"id2label": {number: f"class {number}" for number in range(CLASSES)}}


def segformer() -> nn.Module:
    return transformers.SegformerForSemanticSegmentation(transformers.SegformerConfig(**NAMES))  # its b0


def upernet() -> nn.Module:
    backbone = transformers.ConvNextConfig(hidden_sizes=[96, 192, 384, 768], out_features=STAGES)  # tiny
    config = transformers.UperNetConfig(backbone_config=backbone, use_auxiliary_head=False, hidden_size=256, **NAMES)
    return transformers.UperNetForSemanticSegmentation(config)


def mask2former() -> nn.Module:
    backbone = transformers.SwinConfig(out_features=STAGES)  # tiny
    return transformers.Mask2FormerForUniversalSegmentation(
        transformers.Mask2FormerConfig(backbone_config=backbone, **NAMES)
    )


CASES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "segformer_b0": (segformer, "SegformerImageProcessorPil"),
    "upernet_convnext_tiny": (upernet, "SegformerImageProcessorPil"),
    "mask2former_swin_tiny": (mask2former, "Mask2FormerImageProcessorPil"),
}


def main() -> None:
    torch.set_num_threads(1)
    images_NHW3 = np.stack([np.asarray(Image.fromarray(image).resize((SIZE, SIZE))) for image in photos()[:IMAGES]])
    for name, (make, processor) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            torch.manual_seed(1)
            network = make().eval()
            network.save_pretrained(folder)
            prepared = getattr(transformers, processor)(size={"height": SIZE, "width": SIZE})
            prepared.save_pretrained(folder)
            compare(f"segment_{name}_{SIZE}px_1_thread", network, prepared, Path(folder), images_NHW3)


def compare(name: str, network: nn.Module, processor: Any, folder: Path, images_NHW3: NDArray[np.uint8]) -> None:
    """Images per second of CPU time of both, an image after an image, and the labels that differ."""
    ours, seconds, differing = load_segmenter("transformers", folder), [0.0, 0.0], 0
    for warm, image_HW3 in enumerate([images_NHW3[0], *images_NHW3]):
        start = time.process_time()
        expected = library(network, processor, image_HW3)
        middle = time.process_time()
        found = ours.label_maps(image_HW3[None])["object"][0] - 1
        end = time.process_time()
        if warm:
            seconds = [seconds[0] + middle - start, seconds[1] + end - middle]
            differing += int((found != expected).sum())
    show(f"{name}_library", len(images_NHW3) / seconds[0], "images/s")
    show(name, len(images_NHW3) / seconds[1], "images/s")
    show(f"{name}_ratio", seconds[0] / seconds[1], "times")
    show(f"{name}_labels_differing", differing, f"of_{images_NHW3[..., 0].size}_pixels")


@torch.no_grad()
def library(network: nn.Module, processor: Any, image_HW3: NDArray[np.uint8]) -> Tensor:
    """What the library makes of one image, from preparation to labels."""
    inputs = processor(images=Image.fromarray(image_HW3), return_tensors="pt")
    outputs = network(pixel_values=inputs["pixel_values"])
    labels: Tensor = processor.post_process_semantic_segmentation(outputs, target_sizes=[image_HW3.shape[:2]])[0]
    return labels


if __name__ == "__main__":
    main()
