"""What a reader of a distance must know about the images behind it: their numbers, and their resolution."""

from collections.abc import Mapping
from typing import Any

from .intervals import FEWEST
from .resampling import FEWEST_IMAGES


def sample_warnings(
    counts: Mapping[str, int], num_classes: int, groups: Mapping[str, int | None] | None = None
) -> list[str]:
    """What holds and what does not at these numbers of images, and of classes that any image shows.

    Args:
        counts: images by side, real and generated.
        groups: into how many groups those of a side fall that has any; these then are what counts as independent.
    """
    known = {name: number for name, number in (groups or {}).items() if number is not None}
    independent = {name: known.get(name, count) for name, count in counts.items()}
    words = {name: f"groups of {name} images" if name in known else f"{name} images" for name in counts}
    found = [
        f"{count} {words[name]} for {num_classes} live classes: the covariance is singular, so the covariance "
        "term is mostly noise and fsd_infinity is not to be trusted; the mean term and the verdicts hold"
        for name, count in independent.items()
        if FEWEST <= count <= num_classes
    ]
    found += [
        f"1 {'group of ' if name in known else ''}{name} image{'s' if name in known else ''}: nothing is known of how "
        "areas vary, so no class has a verdict and the covariance term says nothing; give two or more"
        for name, count in independent.items()
        if count < FEWEST
    ]
    if len(set(counts.values())) > 1:
        found.append(
            f"{counts['real']} real and {counts['generated']} generated images: compare fsd with others of the same "
            "counts only"
        )
    if min(independent.values()) < FEWEST_IMAGES:
        what = "images or groups" if known else "images"
        found.append(f"fewer than {FEWEST_IMAGES} {what} on a side: no baseline and no fsd_infinity")
    return found


def resolution_warnings(found: Mapping[str, Any]) -> list[str]:
    """Whether the sides differ in the detail that reached the segmenter; what is finer than its size is lost anyway."""
    if not (found["real"] and found["generated"]):
        return []
    seen = [tuple(min(side, found["segmented"]) for side in found[name]) for name in ("real", "generated")]
    if seen[0] == seen[1]:
        return []
    real, generated = (str(low) if low == high else f"{low} to {high}" for low, high in seen)
    return [
        f"real images of {real} pixels against generated ones of {generated}: part of the difference may be that of "
        f"resolution; give both sources `size: {min(min(pair) for pair in seen)}` to compare at a matched one"
    ]
