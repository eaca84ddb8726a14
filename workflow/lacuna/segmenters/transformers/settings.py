"""What the configuration says of a segmenter of the library transformers."""

from typing import Literal

from pydantic import Field

from lacuna.config.network_entries import NamedSegmenterEntry


class Settings(NamedSegmenterEntry):
    """A segmenter of the library transformers: UperNet, SegFormer, BEiT, DPT, Mask2Former, OneFormer, EoMT and more."""

    family: Literal["transformers"]
    checkpoint: str = Field(
        description="Folder with config.json, model.safetensors and preprocessor_config.json, as `save_pretrained` "
        "writes it."
    )
