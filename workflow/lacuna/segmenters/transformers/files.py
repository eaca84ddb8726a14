"""The folder of a segmenter of the library transformers: which files it consists of.

Without torch, so that the workflow may ask.
"""

from pathlib import Path

from lacuna.config.published import RECEIPT
from lacuna.errors import UserError
from lacuna.segmenters.described import CONFIG, read_json

HUB_FOLDER = ("resources", "hub")
KINDS = (".json", ".txt")  # beside the weights: configurations, lists of shards, what a tokenizer knows
WEIGHTS = (".safetensors", ".bin")  # the first kind that is there is read


def weights_files(checkpoint: str) -> list[str]:
    """The files of the folder that count: JSON and text, and the weights, safetensors rather than pickles.

    Of a folder that fetch brings from the hub it is the receipt, which has the hash of each file.
    """
    folder = Path(checkpoint)
    if folder.parts[:2] == HUB_FOLDER:
        return [str(folder / RECEIPT)]
    paths = sorted(path for path in folder.glob("*") if path.is_file())
    weights = next((found for kind in WEIGHTS if (found := [path for path in paths if path.suffix == kind])), [])
    beside = [path for path in paths if path.suffix in KINDS]
    return [str(path) for path in (*beside, *weights)] or [str(folder / CONFIG)]


def check_shards(folder: Path) -> None:
    """Refuse a folder without weights, or without one of the shards that its index names.

    Raises:
        UserError: for either.
    """
    for kind in WEIGHTS:
        for index in sorted(folder.glob(f"*{kind}.index.json")):
            named = sorted(set(read_json(index).get("weight_map", {}).values()))
            missing = [name for name in named if not (folder / name).is_file()]
            if missing:
                raise UserError(
                    f"{folder}: {len(missing)} of {len(named)} files of weights are missing, first {missing[0]}; "
                    "copy or fetch them again"
                )
            return
        if sorted(folder.glob(f"*{kind}")):
            return
    raise UserError(f"{folder}: no weights in it, expected model.safetensors; copy or fetch them again")
