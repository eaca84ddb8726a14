"""Where an autoencoder lies in a local folder as diffusers saves it: the folder itself, or one of a pipeline's.

Looked at when jobs are planned, too, so neither torch nor diffusers is loaded here.
"""

import json
from pathlib import Path
from typing import Any

from lacuna.errors import UserError

CLASSES = ("AutoencoderDC", "AutoencoderKL", "AutoencoderTiny", "VQModel")
CONFIG, PIPELINE = "config.json", "model_index.json"
WEIGHTS = "diffusion_pytorch_model"  # how all files of weights begin


def files(checkpoint: str | Path) -> list[str]:
    """What an autoencoder is read from: its file, or those of its folder that count, none of them where it has none."""
    if not Path(checkpoint).is_dir():
        return [str(checkpoint)]
    try:
        folder = component(checkpoint)
    except UserError:
        return []  # whoever reads it says why
    return sorted(str(path) for path in (folder / CONFIG, *folder.glob(f"{WEIGHTS}*")) if path.is_file())


def component(checkpoint: str | Path) -> Path:
    """The autoencoder's own folder.

    Raises:
        UserError: there is no autoencoder of a known class.
    """
    folder, known = Path(checkpoint), ", ".join(CLASSES)
    if (folder / CONFIG).is_file():
        name = read_json(folder / CONFIG).get("_class_name")
        if name not in CLASSES:
            raise UserError(f"{folder / CONFIG}: found class {name!r}, expected one of {known}; give another folder")
        return folder
    if not (folder / PIPELINE).is_file():
        raise UserError(f"{folder}: neither {CONFIG} nor {PIPELINE}, expected what diffusers' save_pretrained writes")
    parts = {name: part[1] for name, part in read_json(folder / PIPELINE).items() if isinstance(part, list)}
    found = [name for name, kind in parts.items() if kind in CLASSES]
    if not found:
        told = ", ".join(f"{name} ({kind})" for name, kind in parts.items()) or "nothing"
        raise UserError(f"{folder / PIPELINE}: a pipeline of {told}, expected a component of class {known}")
    if not (folder / found[0] / CONFIG).is_file():
        raise UserError(
            f"{folder / found[0]}: no {CONFIG}, {PIPELINE} names this component; download the whole pipeline, or give "
            "an autoencoder's own folder"
        )
    return component(folder / found[0])


def weights_files(folder: Path) -> list[Path]:
    """Safetensors of an autoencoder's own folder: one file, or its parts; in half precision where there is no other.

    Raises:
        UserError: there are none.
    """
    found = sorted(folder.glob(f"{WEIGHTS}*.safetensors"))
    whole = [path for path in found if path.suffixes == [".safetensors"]]
    if not found:
        others = ", ".join(path.name for path in sorted(folder.glob(f"{WEIGHTS}*"))) or "nothing"
        raise UserError(
            f"{folder}: found {others}, expected {WEIGHTS}.safetensors; load it with diffusers where you trust it and "
            "save it again, save_pretrained(folder)"
        )
    return whole or found


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        UserError: it is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}; download it again") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: found {type(found).__name__}, expected a JSON object; download it again")
    return found
