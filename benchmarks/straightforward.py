"""The published segmenter as it is usually written: the baseline that ours is measured against.

All heads; all levels of the pyramid upsampled, concatenated and then convolved; batch norms as layers; softmax of every
class at the size of the image.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lacuna.segmenters.parsing import PartBlock
from lacuna.segmenters.upernet.model import POOL_BINS, UPerNet, UPerNetDecoder, resized
from lacuna.segmenters.upernet.prroi import prroi_pool


@torch.no_grad()
def label_maps(network: UPerNet, x_N3HW: Tensor, blocks: Sequence[PartBlock]) -> dict[str, Tensor]:
    """Labels of objects, materials and parts (N, H, W), and of the scene (N,)."""
    maps = network.encoder(x_N3HW)
    logits = all_logits(network.decoder, maps)
    size = x_N3HW.shape[-2:]
    probabilities = {head: resized(logits[head], size).softmax(dim=1) for head in ("object", "material")}
    parts = [resized(logits["part"][:, block.channels], size).softmax(dim=1) for block in blocks]
    labels = {head: found.max(dim=1).indices for head, found in probabilities.items()}
    labels["part"] = torch.zeros_like(labels["object"])
    for block, found in zip(blocks, parts, strict=True):
        best_NHW = torch.tensor(block.parts)[found.max(dim=1).indices]
        owned_NHW = labels["object"] == block.owner
        labels["part"][owned_NHW] = best_NHW[owned_NHW]
    labels["scene"] = logits["scene"].flatten(1).argmax(dim=1)
    return labels


def all_logits(decoder: UPerNetDecoder, maps: Sequence[Tensor]) -> dict[str, Tensor]:
    """Logits of the four heads."""
    coarsest = maps[-1]
    pooled = [
        layer(resized(prroi_pool(coarsest, bins), coarsest.shape[-2:]))
        for bins, layer in zip(POOL_BINS, decoder.ppm_conv, strict=True)
    ]
    context = decoder.ppm_last_conv(torch.cat([coarsest, *pooled], dim=1))
    pyramid = decoder.feature_pyramid(maps, context)
    size = pyramid[0].shape[-2:]
    fused = decoder.conv_fusion(torch.cat([resized(level, size) for level in pyramid], dim=1))
    return {
        "object": decoder.object_head(fused),
        "part": decoder.part_head(fused),
        "material": decoder.material_head(pyramid[0]),
        "scene": decoder.scene_head(context),
    }
