"""What a job used of its GPU: the last line of its log, written and read here. Snakemake measures the rest."""

import logging
import re
import sys
from pathlib import Path

log = logging.getLogger(__name__)
MEGABYTE = 1 << 20


def gpu_name() -> str:
    """What the GPU is called that this process computes on; empty where it uses none."""
    torch = sys.modules.get("torch")  # a stage that has not loaded torch has used no GPU
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_initialized() else ""


def log_gpu_memory() -> None:
    """Log the most memory that this process has held on a GPU; nothing where it has used none."""
    name = gpu_name()
    if name:
        reserved = sys.modules["torch"].cuda.max_memory_reserved()
        log.info("%s, GPU memory: at most %d MB", name, reserved // MEGABYTE)


def gpu_memory_mb(path: Path) -> float:
    """GPU memory that the job with the log `path` has used; 0 where the log says nothing of it."""
    if not path.exists():
        return 0.0
    found = re.findall(r"GPU memory: at most (\d+) MB", path.read_text(encoding="utf-8", errors="replace"))
    return float(found[-1]) if found else 0.0
