"""A pipeline of diffusers from a local folder, complete. Nothing that comes with it runs, and no hub is asked."""

import inspect
import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError

from lacuna.errors import UserError
from lacuna.generators.diffusers import files

# What diffusers and transformers raise on folders that do not hold together.
BROKEN = (
    OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError, SafetensorError,
    UnpicklingError,
)  # fmt: skip


def read(folder: str | Path, dtype: torch.dtype = torch.float32) -> Any:
    """The pipeline in a folder, complete: diffusers by itself fills in random numbers for weights that are missing.

    Raises:
        UserError: the folder is no pipeline, is incomplete, or would run code of its own.
    """
    diffusers = library()
    kind = files.index(folder)["_class_name"]
    found = getattr(diffusers, kind, None)
    if not (inspect.isclass(found) and issubclass(found, diffusers.DiffusionPipeline)):
        raise UserError(
            f"{folder}: asks for the pipeline {kind}, which diffusers {diffusers.__version__} does not have"
        )
    networks: dict[str, Any] = {}
    for name, (origin, part) in files.components(folder).items():
        own: Any = _component_class(diffusers, origin, part)
        if own is None:
            raise UserError(
                f"{folder}: its {name} is {part} of {origin}, expected a class of diffusers {diffusers.__version__} or "
                "transformers; code that comes with a pipeline is never run"
            )
        if issubclass(own, torch.nn.Module):
            networks[name] = _network(own, files.component_folder(folder, name), dtype)
    try:
        return diffusers.DiffusionPipeline.from_pretrained(
            str(folder), local_files_only=True, low_cpu_mem_usage=False, **networks
        )
    except BROKEN as error:
        raise _broken(folder, error) from None


def library() -> Any:
    """The library, which looks for nothing on any hub.

    Raises:
        UserError: it is not installed.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import diffusers
        import transformers
    except ImportError as error:
        raise UserError(f"family diffusers: {error}; install it: pip install 'lacuna[diffusers]'") from None
    for its in (diffusers, transformers):
        its.utils.logging.set_verbosity_error()
        its.utils.logging.disable_progress_bar()
    return diffusers


def _component_class(diffusers: Any, origin: str, name: str) -> Any:
    """A class of diffusers, of one of its pipelines, or of transformers; None where it is none of these."""
    import transformers

    home = {"diffusers": diffusers, "transformers": transformers}.get(origin)
    found = getattr(home or getattr(diffusers.pipelines, origin, None), name, None)
    return found if inspect.isclass(found) and found.__module__.split(".")[0] in ("diffusers", "transformers") else None


def _network(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    """A network with all of its weights.

    Raises:
        UserError: weights are missing, or of another shape.
    """
    key = "torch_dtype" if kind.__module__.startswith("diffusers.models") else "dtype"
    try:
        network, said = kind.from_pretrained(
            str(folder), local_files_only=True, output_loading_info=True, low_cpu_mem_usage=False, **{key: dtype}
        )
    except BROKEN as error:
        raise _broken(folder, error) from None
    for what, keys in (("missing", said["missing_keys"]), ("of another shape", said["mismatched_keys"])):
        if keys:
            names = ", ".join(str(name[0] if isinstance(name, tuple) else name) for name in sorted(keys)[:3])
            raise UserError(f"{folder}: {len(keys)} weights of {kind.__name__} are {what}: {names}; get them all")
    return network


def _broken(folder: str | Path, error: Exception) -> UserError:
    said = "" if isinstance(error, UnpicklingError) else " ".join(str(error).split())[:300]  # its advice is to trust it
    return UserError(f"{folder}: {type(error).__name__} {said}; {files.END}")
