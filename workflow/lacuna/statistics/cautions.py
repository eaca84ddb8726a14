"""What a reader of a distance must know about the numbers of images behind it."""

from .resampling import FEWEST_IMAGES


def sample_warnings(num_real: int, num_generated: int, num_classes: int) -> list[str]:
    """What holds and what does not at these numbers of images and of classes that any image shows."""
    found = [
        f"{count} {name} images for {num_classes} live classes: the covariance is singular, so the covariance "
        "term is mostly noise and fsd_infinity is not to be trusted; the mean term and the verdicts hold"
        for name, count in (("real", num_real), ("generated", num_generated))
        if 1 < count <= num_classes
    ]
    found += [
        f"1 {name} image: nothing is known of how its areas vary, so no class has a verdict; give two or more"
        for name, count in (("real", num_real), ("generated", num_generated))
        if count == 1
    ]
    if num_real != num_generated:
        found.append(
            f"{num_real} real and {num_generated} generated images: compare fsd with others of the same counts only"
        )
    if min(num_real, num_generated) < FEWEST_IMAGES:
        found.append(f"fewer than {FEWEST_IMAGES} images on a side: no baseline and no fsd_infinity")
    return found
