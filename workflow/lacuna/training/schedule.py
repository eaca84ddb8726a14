"""Which image size is trained when: a list of stages, each twice the size of the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

from lacuna.errors import UserError
from lacuna.training.settings import Stage


@dataclass(frozen=True)
class Phase:
    """Where a training stands: its image size, how far that is blended in, and the largest size that wholly is."""

    size: int
    alpha: float
    settled_size: int


class Schedule:
    """Stages in order; the last one goes on for as long as the training does."""

    def __init__(self, stages: Sequence[Stage], final_size: int) -> None:
        self.stages = list(stages)
        sizes = [stage.size for stage in self.stages]
        if not sizes or sizes != [final_size >> k for k in reversed(range(len(sizes)))] or sizes[0] < 4:
            raise UserError(
                f"schedule: sizes {sizes}, expected to double from at least 4 pixels and to end at the generator's "
                f"{final_size}; correct the schedule or the generator's sizes"
            )
        if any(not 0 <= stage.fade <= stage.images or stage.images < 1 for stage in self.stages):
            raise UserError("schedule: every stage needs images of at least 1 and a fade from 0 to its images")

    def at(self, images: int) -> Phase:
        """The phase after `images` real images were shown."""
        settled_size = self.stages[0].size
        for stage in self.stages[:-1]:
            if images < stage.images:
                return _phase(stage, images, settled_size)
            images, settled_size = images - stage.images, stage.size
        return _phase(self.stages[-1], images, settled_size)

    def shown(self, images: int) -> dict[int, int]:
        """Size -> how many of the first `images` real images were shown at it."""
        counts = {}
        for stage in self.stages:
            last = stage is self.stages[-1]
            counts[stage.size] = images if last else min(images, stage.images)
            images -= counts[stage.size]
        return counts


def _phase(stage: Stage, images: int, settled_size: int) -> Phase:
    if images >= stage.fade or stage.size == settled_size:
        return Phase(stage.size, 1.0, stage.size)
    return Phase(stage.size, images / stage.fade, settled_size)
