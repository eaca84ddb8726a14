"""Which of a machine's GPUs a job computes on, so that no two jobs meet on one while another is free.

A scheduler says what the job was given (CUDA_VISIBLE_DEVICES, or SLURM's own list where a site does not set that). One
GPU is taken as it is: the scheduler has decided. Of several, as in a local run, the job takes one that no other job has
locked. A lock ends with its process, however that ends.
"""

import fcntl
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

log = logging.getLogger(__name__)
_locks: list[int] = []  # file descriptors, open as long as the process lives
NONE = ("", "-1", "NoDevFiles")  # what CUDA_VISIBLE_DEVICES says where there is to be no GPU


def promised(environment: Mapping[str, str]) -> str:
    """The variable by which a scheduler, or the user, says that this job has a GPU; empty where none does."""
    if environment.get("CUDA_VISIBLE_DEVICES") in NONE:
        return ""
    names = ("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS", "SLURM_JOB_GPUS")
    return next((f"{name}={environment[name]}" for name in names if environment.get(name)), "")


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
    numbers: Sequence[int] = list(gpus)
    if len(numbers) == 1:
        return numbers[0]
    for number, name in gpus.items():
        if _lock(Path(folder or tempfile.gettempdir()) / f"lacuna-gpu-{name.replace('/', '-')}.lock"):
            return number
    shared = numbers[os.getpid() % len(numbers)]
    log.warning(
        "GPU %s: found all %d GPUs in use by other jobs, sharing this one; start the workflow with --resources gpu=%d",
        gpus[shared], len(gpus), len(gpus),
    )  # fmt: skip
    return shared


def _lock(path: Path) -> bool:
    """Lock `path` for as long as this process lives; False if another process has.

    Users share the file. It is only ever opened for reading, and never with O_CREAT where it exists: the kernel refuses
    that for another user's file in a folder like /tmp. A file that cannot be had or locked (a strict umask, a file
    system without locks) does not keep a job from its GPU.
    """
    try:
        file = _shared_file(path)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    except OSError as error:
        log.info("%s: cannot be locked (%s), so this GPU counts as free", path, error.strerror)
        return True
    _locks.append(file)
    return True


def _shared_file(path: Path) -> int:
    """Descriptor of a file that every user may lock."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o444)
        os.fchmod(file, 0o444)  # whatever the umask says
        return file
    except FileExistsError:
        return os.open(path, os.O_RDONLY)
