"""Where and from which seed a stage computes: device, threads, random generators."""

import functools
import logging
import os

import torch

from lacuna.errors import UserError
from lacuna.runtime import gpus, precision, seeds, usage

log = logging.getLogger(__name__)
DEVICE = "LACUNA_DEVICE"  # the configuration's `device`, where it is not auto


@functools.cache
def device(name: str) -> torch.device:
    """`auto` is a GPU that the job was given, where there is one, else the CPU; the same one each time in a process.

    Raises:
        UserError: a GPU was asked for or given to the job, and torch finds none. A night on a CPU inside a GPU's
            allocation would be a hundred times slower, and nothing would say so.
    """
    name = os.environ.get(DEVICE) or "auto" if name == "auto" else name
    if name == "auto" and torch.cuda.is_available():
        found = torch.device("cuda", gpus.claim(own_gpus()))
        torch.cuda.set_device(found)
        log.info("device %s %s, torch %s for CUDA %s", found, usage.gpu_name(), torch.__version__, torch.version.cuda)
        return found
    promised = gpus.promised(os.environ)
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"device {name!r} asked for, no GPU found ({without_cuda()}); use auto or cpu")
    if name == "auto" and promised:
        raise UserError(
            f"{promised} says that this job has a GPU, torch finds none ({without_cuda()}); install a torch for the "
            "driver, or say `device: cpu` in the configuration"
        )
    found = torch.device("cpu" if name == "auto" else name)
    log.info("device %s, %d thread(s), torch %s", found, torch.get_num_threads(), torch.__version__)
    return found


def own_gpus() -> dict[int, str]:
    """GPUs that this job may use: number -> what tells it from all others of the machine.

    Of several that is the UUID: where a scheduler hides all GPUs but a job's own, each job counts them from 0.
    """
    given = gpus.given(os.environ, torch.cuda.device_count())
    if len(given) == 1:
        return given
    return {number: str(torch.cuda.get_device_properties(number).uuid) for number in given}


def without_cuda() -> str:
    """Why torch has no GPU, in a few words."""
    if torch.version.cuda is None:
        return f"torch {torch.__version__} was built without CUDA"
    version = f"torch {torch.__version__} for CUDA {torch.version.cuda}"
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:  # what the driver says, or that there is none
        return f"{version}: {' '.join(str(error).split())[:200]}"
    return version


def configure(threads: int) -> None:
    """Use `threads` CPU threads, and the one policy of precision; results are byte-equal for equal counts only."""
    torch.set_num_threads(max(threads, 1))
    precision.configure()


def generator(root_seed: int, *names: str | int) -> torch.Generator:
    """Torch's CPU random generator of one stream; see `seeds`."""
    return torch.Generator().manual_seed(seeds.seed_for(root_seed, *names))
