"""The folder of a pipeline: which components it has, which files they consist of, and that none is code.

Each component has a folder of its own, or lies beside model_index.json, as in the first pipelines that were published.
"""

import json
from pathlib import Path
from typing import Any

from lacuna.errors import UserError

INDEX = "model_index.json"
SAFE, PICKLED = ".safetensors", ".bin"
BESIDE_WEIGHTS = (".json", ".txt", ".model", ".jinja")
END = "expected the folder of a pipeline as diffusers' save_pretrained writes it"


def index(folder: str | Path) -> dict[str, Any]:
    """What model_index.json says: `_class_name` of the pipeline, and library and class of each component by name.

    Raises:
        UserError: no such file, or not of this form; or the pipeline would run code that comes with it.
    """
    path = Path(folder) / INDEX
    if not path.is_file():
        raise FileNotFoundError(f"{folder}: no {INDEX} in it, {END}")
    found = _json(path)
    if not isinstance(found, dict) or "_class_name" not in found:
        raise UserError(f"{path}: no '_class_name' in it, {END}")
    if not isinstance(found["_class_name"], str):
        raise UserError(f"{path}: {_own_code(found['_class_name'])}")
    return found


def components(folder: str | Path) -> dict[str, tuple[str, str]]:
    """Name of each component -> library and class; what the pipeline does without is left out.

    Raises:
        UserError: as `index` does, or a component would run code that comes with it.
    """
    pairs = {name: value for name, value in index(folder).items() if isinstance(value, list) and len(value) == 2}
    found = {name: (str(library), str(kind)) for name, (library, kind) in pairs.items() if library is not None}
    for name in found:
        for path in component_folder(folder, name).glob("*config.json"):
            said = _json(path)
            if isinstance(said, dict) and said.get("auto_map"):
                raise UserError(f"{path}: {_own_code(said['auto_map'])}")
    return found


def component_folder(folder: str | Path, name: str) -> Path:
    """Where the files of a component lie."""
    own = Path(folder) / name
    return own if own.is_dir() else Path(folder)


def listed(folder: str | Path) -> list[str]:
    """Files of the folder that are read, of weights safetensors before .bin; the index alone where none is."""
    if not Path(folder).exists():
        return [str(Path(folder) / INDEX)]
    found = {Path(folder) / INDEX}
    for name in components(folder):
        own = component_folder(folder, name)
        files = [path for path in own.iterdir() if path.is_file()]
        weights = [path for path in files if path.suffix == SAFE] or [path for path in files if path.suffix == PICKLED]
        found |= {*weights, *(path for path in files if path.suffix in BESIDE_WEIGHTS)}
    return sorted(map(str, found))


def _own_code(asked: Any) -> str:
    return f"asks for code of its own ({json.dumps(asked)}), which is never run; expected classes of diffusers alone"


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: no JSON ({error}), {END}") from None
