"""Tiny networks of the library transformers with random weights that show several classes, and folders of them.

Random mask heads put one class everywhere, by which any post-processing passes for right: their weights are scaled up.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import nn

CLASSES = ["wall", "sky", "tree", "door", "person"]
SIZE = 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def named(names: list[str] = CLASSES) -> dict[str, Any]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}


def convnext() -> Any:
    stages = ["stage1", "stage2", "stage3", "stage4"]
    return transformers.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], out_features=stages)


def swin() -> Any:
    stages = ["stage1", "stage2", "stage3", "stage4"]
    return transformers.SwinConfig(
        image_size=SIZE, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4, out_features=stages
    )


def upernet(backbone: Callable[[], Any] = convnext) -> nn.Module:
    config = transformers.UperNetConfig(backbone_config=backbone(), hidden_size=16, use_auxiliary_head=False, **named())
    network = transformers.UperNetForSemanticSegmentation(config)
    network.decode_head.classifier.weight.data *= 50
    return network


def segformer() -> nn.Module:
    config = transformers.SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=16,
        **named(),
    )  # fmt: skip
    network = transformers.SegformerForSemanticSegmentation(config)
    network.decode_head.classifier.weight.data *= 50
    return network


def vit_widths() -> dict[str, Any]:
    return {"image_size": SIZE, "patch_size": 8, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}


def beit() -> nn.Module:
    config = transformers.BeitConfig(
        num_hidden_layers=4, out_indices=[1, 2, 3, 4], use_relative_position_bias=True, use_auxiliary_head=False,
        **vit_widths(), **named(),
    )  # fmt: skip
    return transformers.BeitForSemanticSegmentation(config)


def dpt() -> nn.Module:
    config = transformers.DPTConfig(
        num_hidden_layers=4, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=16,
        reassemble_factors=[4, 2, 1, 0.5], use_auxiliary_head=False, **vit_widths(), **named(),
    )  # fmt: skip
    return transformers.DPTForSemanticSegmentation(config)


def mobilevit() -> nn.Module:
    config = transformers.MobileViTConfig(
        image_size=SIZE, hidden_sizes=[8, 8, 8], neck_hidden_sizes=[8, 8, 8, 8, 8, 8, 16], num_attention_heads=2,
        aspp_out_channels=16, output_stride=8, initializer_range=0.5, **named(),
    )  # fmt: skip
    return transformers.MobileViTForSemanticSegmentation(config)


def scaled(network: nn.Module, *names: str, factor: float = 40.0) -> nn.Module:
    """The network with larger weights in some layers."""
    for name in names:
        for parameter in network.get_submodule(name).parameters():
            if parameter.ndim > 1:
                parameter.data *= factor
    return network


def mask2former() -> nn.Module:
    config = transformers.Mask2FormerConfig(
        backbone_config=swin(), feature_size=32, mask_feature_size=32, hidden_dim=32, num_attention_heads=2,
        encoder_feedforward_dim=16, dim_feedforward=16, encoder_layers=1, decoder_layers=2, num_queries=12,
        train_num_points=16, **named(),
    )  # fmt: skip
    network = transformers.Mask2FormerForUniversalSegmentation(config)
    return scaled(network, "class_predictor", "model.transformer_module.decoder.mask_predictor.mask_embedder", factor=6)


def maskformer() -> nn.Module:
    decoder = transformers.DetrConfig(
        d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=12,
    )  # fmt: skip
    config = transformers.MaskFormerConfig(
        backbone_config=swin(), decoder_config=decoder, fpn_feature_size=32, mask_feature_size=32, **named()
    )
    return scaled(transformers.MaskFormerForInstanceSegmentation(config), "class_predictor", "mask_embedder", factor=6)


def oneformer() -> nn.Module:
    config = transformers.OneFormerConfig(
        backbone_config=swin(), num_queries=12, hidden_dim=32, mask_dim=32, conv_dim=32, encoder_feedforward_dim=16,
        dim_feedforward=16, encoder_layers=1, decoder_layers=2, num_attention_heads=2, query_dec_layers=1,
        text_encoder_width=16, text_encoder_num_layers=1, text_encoder_vocab_size=64, task_seq_len=24,
        text_encoder_context_length=24, text_encoder_n_ctx=2, is_training=False, **named(),
    )  # fmt: skip
    network = transformers.OneFormerForUniversalSegmentation(config)
    decoder = "model.transformer_module.decoder"
    return scaled(network, f"{decoder}.class_embed", f"{decoder}.mask_embed", factor=16)


def save_tokenizer(folder: Path) -> None:
    """CLIP's, of single letters: what tells OneFormer its task."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def eomt() -> nn.Module:
    config = transformers.EomtConfig(
        num_hidden_layers=3, num_blocks=2, num_queries=12, num_upscale_blocks=1, num_register_tokens=1,
        mlp_ratio=1, **{key: value for key, value in vit_widths().items() if key != "intermediate_size"}, **named(),
    )  # fmt: skip
    return scaled(transformers.EomtForUniversalSegmentation(config), "class_predictor", "mask_head", factor=4)


def eomt_dinov3() -> nn.Module:
    config = transformers.EomtDinov3Config(
        num_hidden_layers=3, num_blocks=2, num_queries=12, num_upscale_blocks=1, num_register_tokens=1,
        **vit_widths(), **named(),
    )  # fmt: skip
    return scaled(transformers.EomtDinov3ForUniversalSegmentation(config), "", factor=10)


ARCHITECTURES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "upernet": (upernet, "SegformerImageProcessorPil"),
    "upernet_swin": (lambda: upernet(swin), "SegformerImageProcessorPil"),
    "segformer": (segformer, "SegformerImageProcessorPil"),
    "beit": (beit, "BeitImageProcessorPil"),
    "dpt": (dpt, "DPTImageProcessorPil"),
    "mobilevit": (mobilevit, "MobileViTImageProcessorPil"),
    "mask2former": (mask2former, "Mask2FormerImageProcessorPil"),
    "maskformer": (maskformer, "MaskFormerImageProcessorPil"),
    "oneformer": (oneformer, "OneFormerImageProcessorPil"),
    "eomt": (eomt, "EomtImageProcessorPil"),
    "eomt_dinov3": (eomt_dinov3, "EomtImageProcessorPil"),
}


def network(name: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return ARCHITECTURES[name][0]().eval()


def save(name: str, folder: Path) -> Path:
    """A folder as the hub has it."""
    made = network(name)
    made.save_pretrained(folder)
    size = {"shortest_edge": SIZE, "longest_edge": None} if "eomt" in name else {"height": SIZE, "width": SIZE}
    processor = {"size": size, "image_mean": MEAN, "image_std": STD, "do_normalize": True, "rescale_factor": 1 / 255}
    if name == "mobilevit":
        processor = {"size": {"shortest_edge": 72}, "crop_size": SIZE, "do_center_crop": True,
                     "do_flip_channel_order": True, "do_resize": False, "rescale_factor": 1 / 255}  # fmt: skip
    processor["image_processor_type"] = ARCHITECTURES[name][1].removesuffix("Pil")
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    if name == "oneformer":
        save_tokenizer(folder)
    return folder


def images(count: int = 2, height: int = SIZE, width: int = SIZE) -> NDArray[np.uint8]:
    """Smooth random pictures."""
    rng = np.random.default_rng(5)
    small = torch.from_numpy(rng.uniform(0, 255, (count, 3, height // 8, width // 8)))
    large = nn.functional.interpolate(small, size=(height, width), mode="bicubic").clamp(0, 255)
    return large.permute(0, 2, 3, 1).round().to(torch.uint8).numpy()
