"""Which of a machine's GPUs a job computes on, so that no two jobs meet on one while another is free.

A scheduler says what the job was given (CUDA_VISIBLE_DEVICES, or SLURM's own list where a site does not set that). Of
several GPUs, as in a local run, the job takes one that no other job has locked. A lock ends with its process, however
that ends.
"""

import fcntl
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

log = logging.getLogger(__name__)
_locks: list[int] = []  # file descriptors, open as long as the process lives


def given(environment: Mapping[str, str], count: int) -> dict[int, str]:
    """GPUs that the job may use: number among the `count` visible ones -> name of the device on its machine."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible:
        return dict(enumerate(name.strip() for name in visible.split(",")[:count]))
    everything = {number: str(number) for number in range(count)}
    allocated = environment.get("SLURM_STEP_GPUS") or environment.get("SLURM_JOB_GPUS") or ""
    granted = {number: name for number, name in everything.items() if name in allocated.split(",")}
    return granted or everything


def claim(gpus: Mapping[int, str], folder: str | Path | None = None) -> int:
    """Number of a GPU that no other job of this machine has claimed; where all are claimed, one is shared.

    Args:
        gpus: as from `given`.
        folder: where the locks lie; the machine's temporary folder where None.
    """
    for number, name in gpus.items():
        if _lock(Path(folder or tempfile.gettempdir()) / f"lacuna-gpu-{name.replace('/', '-')}.lock"):
            return number
    numbers: Sequence[int] = list(gpus)
    shared = numbers[os.getpid() % len(numbers)]
    log.warning(
        "GPU %s: found all %d GPUs in use by other jobs, sharing this one; start the workflow with --resources gpu=%d",
        gpus[shared], len(gpus), len(gpus),
    )  # fmt: skip
    return shared


def _lock(path: Path) -> bool:
    """Lock `path` for as long as this process lives; False if another process has."""
    file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o444)  # read-only, so that any user may lock another's file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _locks.append(file)
    return True
