"""A copy of a golden folder in which every stored array is wrong by ten times its tolerance.

The tolerances are those of the READMEs there; what it gives none for must be equal.
"""

import re
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FACTOR = 10
# File, array, what the tolerance is a multiple of, tolerance. The first match counts.
TOLERANCES = [
    ("a_.*", "images_uint8", "levels", 1),
    ("a_.*", "image_float_trainmode.*", "absolute", 5e-4),
    ("a_.*", "z.*", "exact", 0),
    ("a_.*", ".*", "absolute", 2e-4),
    ("b_segmenter", r"conv\d|ppm_pool_\d+", "std", 1e-4),
    ("b_segmenter", "ppm_last_conv|conv_fusion|.*_head", "std", 2e-4),
    ("b_segmenter", "prob_.*|object_area", "absolute", 5e-4),
    ("b_segmenter", "segs.*", "share", 5e-4),
    ("b_tally", "tally", "absolute", 5e-4),
    ("c_.*", ".*_seconds", "none", 0),
    ("c_.*", "identical_result", "absolute", 1e-4),
    ("c_.*", ".*_result|.*_eigh_covdiff", "relative", 1e-5),
    ("d_encoder", "eval_.*", "std", 3e-4),
    ("d_.*", "loss_.*|monitor_.*", "absolute", 1e-5),
    ("d_.*", ".*_conv2_delta|.*_bn1_running_mean", "std", 1e-2),
    ("d_.*", "inv4_conv3_max_change_.*", "relative", 1e-1),
    ("d_onelayer", "traj_.*", "absolute", 5e-5),
    ("d_hybrid", "traj_.*", "absolute", 5e-4),
    ("e_.*", r"loss_\d", "absolute", 2e-5),
    ("e_.*", "loss_r", "absolute", 1e-2),
    ("e_.*", "loss.*|err_p", "absolute", 5e-4),
    ("e_.*", "final_d_.*|final_current_.*|step1_.*", "correlation", 1e-3),
    ("e_.*", "target_.*|init_z|final_init_.*|step0_.*", "std", 3e-4),
    ("f_.*", r"t_\d+x\d+", "absolute", 1e-6),
    ("stylegan2/units", ".*impulse_out", "absolute", 1e-4),
    ("stylegan2/units", ".*_out.*", "absolute", 1e-5),
    ("stylegan2/.*", "w.*|label_part", "absolute", 2e-5),
    ("stylegan2/.*", "b.*|image_.*", "absolute", 1e-4),
    ("stylegan2/.*", "grad_.*", "std", 1e-4),
    ("stylegan2/.*", "loss", "relative", 1e-5),
    (".*", ".*", "exact", 0),
]


def shifted_folder(source: Path, target: Path) -> None:
    """Copy `source` to `target`, with wrong arrays."""
    shutil.copytree(source, target)
    for folder in (target, *filter(Path.is_dir, target.iterdir())):
        folder.chmod(0o755)
    for file in stored(target):
        path = target / f"{file}.npz"
        with np.load(path) as opened:
            arrays = {name: opened[name] for name in opened.files}
        found = {name: array if "__" in name else shifted(file, name, arrays) for name, array in arrays.items()}
        path.unlink()
        np.savez(path, **found)


def stored(folder: Path) -> list[str]:
    """The files of stored arrays, as `golden.arrays` takes them: c_fsd, stylegan2/tiny."""
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.npz"))


def shifted(file: str, name: str, arrays: dict[str, NDArray]) -> NDArray:
    """One array, wrong by ten times its tolerance."""
    kind, tolerance = next(row[2:] for row in TOLERANCES if re.fullmatch(row[0], file) and re.fullmatch(row[1], name))
    values, shift = arrays[name], FACTOR * tolerance
    if kind == "none":
        return values
    if kind == "exact":
        if values.dtype.kind == "U":
            return np.roll(values, 1)
        return ~values if values.dtype == bool else values + values.dtype.type(1)
    if kind == "levels":
        return np.where(values < 128, values + FACTOR, values - FACTOR).astype(values.dtype)
    if kind == "share":
        wrong = np.arange(values.size).reshape(values.shape) % round(1 / shift) == 0
        return np.where(wrong, values + 1, values).astype(values.dtype)
    std = float(arrays[f"{name}__stats"][1] if f"{name}__stats" in arrays else values.std())
    if kind == "correlation":  # noise that leaves a correlation of 1 - shift
        noise = np.random.default_rng(0).standard_normal(values.shape)
        return (values + noise * std * np.sqrt((1 - shift) ** -2 - 1)).astype(values.dtype)
    step = {"absolute": 1.0, "std": std, "relative": 1 + np.abs(values)}[kind]
    return (values + shift * step).astype(values.dtype)
