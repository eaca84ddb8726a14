"""The card of a trained segmenter: how it was made and how good it is, class by class, as Markdown."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lacuna.runtime.provenance import canonical_json
from lacuna.segmenters.upernet.losses import intersection_over_union
from lacuna.segmenters.upernet.training import LABEL_MAPS, Scores, Training
from lacuna.training.loop import Journal


def card(
    training: Training, journal: Journal, scores: Scores, num_training: int, num_held_out: int, command: str
) -> str:
    """The page: overall scores, one table per category, settings."""
    parameters = sum(weights.numel() for weights in training.segmenter.network.parameters())
    lines = [
        "# Segmenter: UPerNet",
        "",
        f"Trained by `train_segmenter` on {num_training:,} labelled scenes of {training.segmenter.size} x "
        f"{training.segmenter.size} pixels ({journal.step * training.images_per_step:,} images seen, each mirrored, "
        f"relit, blurred and disturbed at random), {journal.seconds:,.0f} seconds, {parameters:,} weights.",
        "",
        f"On {num_held_out:,} held-out scenes:",
        "",
        "| score | value |",
        "|---|---|",
        *(f"| mean IoU, {category} | {scores.mean_iou(category):.3f} |" for category in LABEL_MAPS),
        f"| lowest IoU of an object | {np.nanmin(scores.iou('object')[1:]):.3f} |",
        f"| scene accuracy | {scores.scene_accuracy:.3f} |",
        "",
        "IoU: intersection over union of the pixels of all scenes; a part counts where object and part are right; the",
        "means are over the classes that occur, without '-'. Area: share of all pixels, and how far the found share is",
        "from it, which is the segmenter's bias as an instrument for class areas.",
    ]
    for category in LABEL_MAPS:
        lines += ["", f"## {category}", "", *table(training.segmenter.classes[category], scores.confusions[category])]
    lines += [
        "",
        "## Command and settings",
        "",
        "```",
        command,
        "```",
        "",
        "```json",
        canonical_json(training.settings.given()),
        "```",
    ]
    return "\n".join(lines) + "\n"


def table(classes: list[str], confusion_KK: NDArray[np.int64]) -> Iterator[str]:
    """Rows of one category; classes that do not occur are left out."""
    true_px, found_px, pixels = confusion_KK.sum(axis=1), confusion_KK.sum(axis=0), confusion_KK.sum()
    yield "| class | IoU | area | found area |"
    yield "|---|---|---|---|"
    for name, iou, true, found in zip(classes, intersection_over_union(confusion_KK), true_px, found_px, strict=True):
        if true:
            yield f"| {name} | {iou:.3f} | {100 * true / pixels:.2f} % | {100 * (found - true) / true:+.1f} % |"
