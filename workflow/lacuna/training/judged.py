"""What a training is told that is judged on held-out images: of a segmenter, or of a classifier."""

import shlex
from typing import Any

from pydantic import Field

from lacuna.runtime import command

REPEATED = ("images", "count", "validation_images", "validation_count", "shard_size", "seed", "threads")


class Job(command.ComputingJob):
    """What the stage is told."""

    images: str = Field(description="folder of the labelled images to learn from")
    count: int = Field(description="number of these images")
    validation_images: str = Field(description="folder of the held-out images")
    validation_count: int = Field(description="number of these images")
    shard_size: int = Field(description="images per shard, in both folders")
    settings: dict[str, Any] = Field(description="architecture and training")
    seed: int = Field(description="root seed")
    state: str = Field(description="where a training that was broken off goes on from")
    weights: str = Field(description="safetensors file to write")
    card: str = Field(description="Markdown file to write: how good the network is")
    log: str = Field(description="TSV file to write: losses and scores as the training went on")

    def command_line(self, stage: str) -> str:
        """How to run the stage again on the same images; the settings stand beside it in the card."""
        flags = [f"--{name.replace('_', '-')} {shlex.quote(str(getattr(self, name)))}" for name in REPEATED]
        return f"python -m lacuna.stages.{stage} {' '.join(flags)}"
