"""Where and from which seed a stage computes: device, threads, random generators."""

import functools
import hashlib
import os

import torch

from lacuna.kit import gpus, precision
from lacuna.kit.errors import UserError


@functools.cache
def device(name: str) -> torch.device:
    """`auto` is a GPU that the job was given, where there is one, else the CPU; the same one each time in a process."""
    if name == "auto" and torch.cuda.is_available():
        found = torch.device("cuda", gpus.claim(gpus.given(os.environ, torch.cuda.device_count())))
        torch.cuda.set_device(found)
        return found
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"device {name!r} asked for, no GPU found; use auto or cpu")
    return torch.device("cpu" if name == "auto" else name)


def configure(threads: int) -> None:
    """Use `threads` CPU threads, and the one policy of precision; results are byte-equal for equal counts only."""
    torch.set_num_threads(max(threads, 1))
    precision.configure()


def seed_for(root_seed: int, *names: str | int) -> int:
    """Seed of one job, from the root seed and what the job is: independent streams, no global state."""
    text = "/".join(str(part) for part in (root_seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1  # 63 bits: torch takes int64


def generator(root_seed: int, *names: str | int) -> torch.Generator:
    """A CPU random generator for one job; see `seed_for`."""
    return torch.Generator().manual_seed(seed_for(root_seed, *names))
