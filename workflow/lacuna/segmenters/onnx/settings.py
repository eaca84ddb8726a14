"""What the configuration says of a segmenter in an ONNX file."""

from typing import Literal

from pydantic import Field

from lacuna.config.network_entries import ProgramEntry


class Settings(ProgramEntry):
    """An ONNX file, run by onnxruntime."""

    family: Literal["onnx"]
    checkpoint: str = Field(description="The .onnx file; weights outside it lie beside it.")
