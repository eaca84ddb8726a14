"""The published segmenter at 256 pixels: ours beside the straightforward form, same weights, photos, batch and threads.

Run as `python -m benchmarks.segmenter`; with the word `memory` it segments one batch and prints the peak of its memory.
"""

import copy
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks import straightforward
from benchmarks.stages import show
from benchmarks.upp_case import photos, untrained
from lacuna.segmenters.parsing_segmenter import ParsingSegmenter
from lacuna.segmenters.upernet.model import resized

BATCH, MEMORY_BATCH = 4, 10
TIE = 1e-3  # of logits with a standard deviation of 11: classes that are closer are equal within float error
NAME = "segment_upp_256px"


def main() -> None:
    segmenter, images_NHW3 = untrained(), photos()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        clock = time.process_time if threads == 1 else time.perf_counter  # CPU time: other processes do not count
        compare(segmenter, images_NHW3, f"{NAME}_{threads}_thread{'s' * (threads > 1)}", clock)
    show(f"{NAME}_peak_memory_batch_{MEMORY_BATCH}", peak_memory(), "MB")
    torch.set_num_threads(1)
    exact_NHW = copy.deepcopy(segmenter).ready().label_maps(images_NHW3)["object"]
    of_precision(segmenter, images_NHW3, exact_NHW, "cpu", "bfloat16")
    if torch.cuda.is_available():
        for precision in ("float32", "tf32", "bfloat16"):
            of_precision(segmenter, images_NHW3, exact_NHW, "cuda", precision)


def compare(segmenter: ParsingSegmenter, images_NHW3: NDArray[np.uint8], name: str, clock: Callable[[], float]) -> None:
    """Images per second of both forms, a batch of one after a batch of the other; then how many labels differ."""
    ours = copy.deepcopy(segmenter).ready()
    segmenter.network.eval()
    plain_seconds, our_seconds, plain, found = 0.0, 0.0, [], []
    both(segmenter, ours, images_NHW3[:1], clock)  # warms up
    for batch_NHW3 in batches(images_NHW3):
        seconds, labels = both(segmenter, ours, batch_NHW3, clock)
        plain_seconds, our_seconds = plain_seconds + seconds[0], our_seconds + seconds[1]
        plain.append(labels[0])
        found.append(labels[1])
    show(f"{name}_straightforward", len(images_NHW3) / plain_seconds, "images/s")
    show(name, len(images_NHW3) / our_seconds, "images/s")
    show(f"{name}_ratio", plain_seconds / our_seconds, "times")
    ties, others = differences(segmenter, images_NHW3, torch.cat(plain), torch.cat(found))
    show(f"{name}_labels_differing_at_ties", ties, f"of_{images_NHW3[..., 0].size}_pixels")
    show(f"{name}_labels_differing_otherwise", others, "pixels")


def batches(images_NHW3: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for first in range(0, len(images_NHW3), BATCH):
        yield images_NHW3[first : first + BATCH]


def both(
    plain: ParsingSegmenter, ours: ParsingSegmenter, images_NHW3: NDArray[np.uint8], clock: Callable[[], float]
) -> tuple[list[float], list[Tensor]]:
    """Seconds and object labels of the straightforward form, and of ours."""
    begun = clock()
    x_N3HW = plain.normalisation(torch.from_numpy(images_NHW3).permute(0, 3, 1, 2).float()).contiguous()
    plain_NHW = straightforward.label_maps(plain.network, x_N3HW, plain.blocks)["object"]
    between = clock()
    ours_NHW = ours.label_maps(images_NHW3)["object"]
    return [between - begun, clock() - between], [plain_NHW, ours_NHW]


@torch.no_grad()
def differences(
    segmenter: ParsingSegmenter, images_NHW3: NDArray[np.uint8], plain_NHW: Tensor, found_NHW: Tensor
) -> tuple[int, int]:
    """Pixels whose labels differ: where the two classes are equal within float error, and elsewhere."""
    ties = others = 0
    for image_HW3, plain_HW, found_HW in zip(images_NHW3, plain_NHW, found_NHW, strict=True):
        differing_HW = plain_HW != found_HW
        if differing_HW.any():
            logits = segmenter.logits(torch.from_numpy(image_HW3).permute(2, 0, 1)[None].float(), {"object"})["object"]
            full_KHW = resized(logits, plain_HW.shape)[0]
            gap_HW = (full_KHW.gather(0, plain_HW[None]) - full_KHW.gather(0, found_HW[None]))[0].abs()
            ties += int((differing_HW & (gap_HW < TIE)).sum())
            others += int((differing_HW & (gap_HW >= TIE)).sum())
    return ties, others


def of_precision(
    segmenter: ParsingSegmenter, images_NHW3: NDArray[np.uint8], exact_NHW: Tensor, device: str, precision: str
) -> None:
    """Images per second, and the share of labels that are others than in float32 on the CPU."""
    ours = copy.deepcopy(segmenter).ready(torch.device(device), precision)
    ours.label_maps(images_NHW3[:BATCH])
    begun = time.perf_counter()
    found_NHW = torch.cat([ours.label_maps(batch_NHW3)["object"].cpu() for batch_NHW3 in batches(images_NHW3)])
    seconds = time.perf_counter() - begun
    name = f"{NAME}_{device}_{precision}"
    show(name, len(images_NHW3) / seconds, "images/s")
    show(f"{name}_labels_differing", 100 * float((found_NHW != exact_NHW).double().mean()), "%")


def peak_memory() -> float:
    """Peak resident memory, in MB, of a process that does nothing but segment one batch."""
    command = [sys.executable, "-m", "benchmarks.segmenter", "memory"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def segment_one_batch() -> None:
    torch.set_num_threads(1)
    untrained().ready().label_maps(photos()[:MEMORY_BATCH])
    # Not getrusage: on Linux its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


if __name__ == "__main__":
    segment_one_batch() if sys.argv[1:] == ["memory"] else main()
