"""Weights and training states.

Weights are safetensors with one metadata key, `lacuna`, that holds canonical JSON (the order of several keys would be
random). Published weights are torch files, read with `weights_only=True`, so nothing in them is run.

A training state is a torch file: `key`, canonical JSON that a job must agree with to go on from it, and `state`. Of
trainings that holds `journal` (`step`, `seconds`, `rows` of the log, `sums` since the last one) and `parts`, the states
of networks, optimizers, schedules and streams of random numbers by name.
"""

import json
import logging
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.formats.files import atomic
from lacuna.runtime.provenance import canonical_json

log = logging.getLogger(__name__)

# Keys under which published files hold their weights; a generator's averaged ones come before its own.
WRAPPERS = ("state_dict", "g_running", "generator_smooth", "g_ema", "generator")
PREFIXES = ("module.", "model.")  # of every key, where a network was saved from within another

# What torch raises on a file with changed bytes, seen in thousands of such files.
TORCH_BROKEN = (
    RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, OverflowError,
    MemoryError,
)  # fmt: skip


def save_weights(path: str | Path, state_dict: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write weights and what is known of them."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state_dict.items()}
    with atomic(path) as partial:
        partial.write_bytes(save(tensors, metadata={"lacuna": canonical_json(dict(metadata))}))


def load_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights and metadata of a safetensors file; of a torch file the weights alone and `{}`.

    Raises:
        UserError: truncated, or no such file format.
    """
    source = Path(path)
    if not source.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint; run fetch or the training stage, or correct the config")
    try:
        if source.suffix == ".safetensors":
            with safe_open(source, framework="pt") as file:
                metadata = json.loads((file.metadata() or {}).get("lacuna", "{}"))
                return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118 (no dict)
    except (SafetensorError, OSError) as error:
        raise _unreadable(source, error) from None
    return _plain(torch_file(source), path), {}


def torch_file(path: str | Path, allowed: Sequence[type] = ()) -> Any:
    """What a torch file holds, read with `weights_only=True`.

    Args:
        allowed: classes whose objects may be made beside tensors and containers; records without behaviour.

    Raises:
        UserError: truncated, no torch file, or with other objects in it.
    """
    source = Path(path)
    try:
        with torch.serialization.safe_globals(list(allowed)):
            return torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        what = (
            web_page(source) or "it holds pickled Python objects, which are not run; save a state dict from its program"
        )
        raise UserError(f"{path}: not a readable checkpoint: {what}") from None
    except TORCH_BROKEN as error:
        raise _unreadable(source, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    reason = web_page(path) or (str(error).splitlines()[0] if str(error) else type(error).__name__)
    return UserError(
        f"{path}: not a readable checkpoint ({reason}), expected safetensors or a plain torch state dict; "
        "correct the path, or fetch or train it again"
    )


def web_page(path: Path) -> str:
    """A word for a file that is a web page, as a download behind a sign-in leaves it; empty for any other."""
    with path.open("rb") as file:
        start = file.read(512).lstrip().lower()
    return "a web page, no weights; download it again" if start.startswith((b"<!doctype", b"<html")) else ""


def _plain(state: Any, path: str | Path) -> dict[str, Tensor]:
    """The weights in what a torch file holds: the dict itself or what it wraps, without a prefix that all keys have."""
    wrapper = next((name for name in WRAPPERS if isinstance(state, Mapping) and name in state), None)
    weights = state if wrapper is None else state[wrapper]
    if not isinstance(weights, Mapping) or not weights:
        strange = [type(weights).__name__]
    else:
        strange = [str(key) for key, value in weights.items() if not isinstance(value, Tensor)]
    if strange:
        raise UserError(
            f"{path}: no torch state dict, found {', '.join(strange)}, expected tensors by name; give another file"
        )
    prefix = next((found for found in PREFIXES if all(key.startswith(found) for key in weights)), "")
    return {key.removeprefix(prefix): value for key, value in weights.items()}


def load_strict(
    module: nn.Module, state_dict: Mapping[str, Tensor], where: str | Path, key_names: Mapping[str, str] | None = None
) -> None:
    """Load a state dict into `module`, naming every key that is missing, extra or of another shape.

    Args:
        key_names: key -> what the file calls it, where that is another name.
    """
    names = key_names or {}
    expected = module.state_dict()
    missing = sorted(names.get(name, name) for name in expected.keys() - state_dict.keys())
    extra = sorted(names.get(name, name) for name in state_dict.keys() - expected.keys())
    shapes = [
        f"{names.get(name, name)} {tuple(state_dict[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in sorted(expected.keys() & state_dict.keys())
        if state_dict[name].shape != expected[name].shape
    ]
    if missing or extra or shapes:
        parts = {"missing": missing, "extra": extra, "misshapen": shapes}
        found = "; ".join(f"{what}: {', '.join(keys)}" for what, keys in parts.items() if keys)
        raise UserError(f"{where}: keys do not fit {type(module).__name__}: {found}; wrong family or checkpoint?")
    module.load_state_dict(state_dict)


def save_training(path: str | Path, state: Mapping[str, Any], key: Mapping[str, Any]) -> None:
    """Write a training state; `key` (code digest, parameters, input digests) says what it may be resumed by."""
    with atomic(path) as partial:
        torch.save({"key": canonical_json(dict(key)), "state": dict(state)}, partial)


def load_training(path: str | Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """The training state at `path`, or None, with a line in the log, if it is absent, broken or of another key."""
    if not Path(path).exists():
        return None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        log.warning("%s: training state is not readable (%s), starting anew", path, str(error).splitlines()[0])
        return None
    if found["key"] != canonical_json(dict(key)):
        log.warning("%s: training state is of other code, parameters or inputs, starting anew", path)
        return None
    return dict(found["state"])
