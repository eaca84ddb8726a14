"""Where and from which seed a stage computes: device, threads, random generators."""

import hashlib

import torch


def device(name: str) -> torch.device:
    """`auto` is the GPU that the job was given, where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device {name!r} asked for, no GPU found; use auto or cpu")
    return torch.device(name)


def threads(count: int) -> None:
    """Use `count` CPU threads. Results are byte-equal for equal counts only."""
    torch.set_num_threads(max(count, 1))


def seed_for(root_seed: int, *names: str | int) -> int:
    """Seed of one job, from the root seed and what the job is: independent streams, no global state."""
    text = "/".join(str(part) for part in (root_seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1  # 63 bits: torch takes int64


def generator(root_seed: int, *names: str | int) -> torch.Generator:
    """A CPU random generator for one job; see `seed_for`."""
    return torch.Generator().manual_seed(seed_for(root_seed, *names))
