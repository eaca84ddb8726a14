"""Which images of a large source are looked at: all in their order, or a random subset that a seed fixes."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from lacuna.errors import UserError


def subset_seed(source: Mapping[str, Any]) -> int | None:
    """Seed of the order in which a source is counted, as the configuration says; None for its own order."""
    seed: int | None = source.get("subset", {}).get("seed")
    return seed


def order(total: int, subset_seed: int | None) -> Sequence[int]:
    """Numbers of all images in the order in which a source counts them; its first n are the subset of n images.

    Source:
        FixedRandomSubsetSampler of the published code, for the same images to be looked at.
    """
    if subset_seed is None:
        return range(total)
    numbers = list(range(total))
    random.Random(subset_seed).shuffle(numbers)
    return numbers


def chosen(total: int, first: int, last: int, subset_seed: int | None, where: str) -> Sequence[int]:
    """Numbers of the images that a source counts as `first` to `last`.

    Raises:
        UserError: there are fewer.
    """
    if last >= total:
        raise UserError(f"{where}: holds {total} images, images {first}-{last} asked for; lower the source's count")
    return order(total, subset_seed)[first : last + 1]
