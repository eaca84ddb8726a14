"""Keep the results of one commit and compare those of another with them: nothing but what is meant to changes.

    python tests/same_results.py make FOLDER    # runs five configurations, small, and the toy pipeline of this checkout
    python tests/same_results.py compare A B    # every array, JSON and TSV; exit 1 where one differs

Provenance (digests of code and inputs, settings as they were told) and times differ between commits and are left out.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import toy
from safetensors.numpy import load_file

COUNTS = {
    "config": {"chapel": 60, "progan": 60},
    "families": {"families_chapel": 100, "families_progan": 100, "families_stylegan": 100, "families_wgan": 100},
    "acgan": {"kinds": 100, "kinds_half": 100, "acgan_full": 100, "acgan_half": 100},
    "planted": {"world_whole": 120, "world_planted": 120, "world_pool": 240},
    "inversion": {"chapel": 60, "progan": 60, "skyscrapers": 4, "night": 4},
}
# An unfinished search already passes through every part of the method.
CONVERGED: dict[str, Any] = {"invert": {"steps": 12, "log_every": 4}, "shard_size": {"inversions": 4}}
ENCODERS = {"encoder": "workflow/demo/encoder.safetensors", "direct": "workflow/demo/direct.safetensors"}
PROVENANCE = {"code", "config", "inputs", "stage", "commit", "seconds", "torch", "versions"}


def overlay(name: str) -> dict[str, Any]:
    """A configuration that makes one experiment small."""
    small: dict[str, Any] = {"sources": {source: {"count": count} for source, count in COUNTS[name].items()}}
    if name in ("config", "inversion"):
        methods = (
            ["layered_r"] if name == "config" else ["z", "direct", "direct_z", "layered", "layered_z", "layered_r"]
        )
        entries = ["chapel", "progan", *(["skyscrapers", "night"] if name == "inversion" else [])]
        small["inversions"] = [
            {"generator": "progan_chapel", "source": source, "count": 4, "methods": methods} for source in entries
        ]
        small["generators"] = {"progan_chapel": {"encoders": ENCODERS}}
        small |= CONVERGED
    if name == "planted":
        small["calibrate"] = {"counts": [100], "objects": ["person", "car"], "comparisons": 2, "null_comparisons": 4}
    return small


def make(folder: Path, names: list[str]) -> None:
    """Run the configurations in a copy of this checkout and keep `results/` of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        copy = (
            toy.copy_workflow(folder / f"{name}.copy")
            if name == "toy"
            else toy.copy_repository(folder / f"{name}.copy")
        )
        words = ["--cores", "2", "--quiet"]
        if name != "toy":
            toy.write_config(copy, overlay(name), "small.yaml")
            base = [] if name == "config" else [f"experiments/{name}.yaml"]
            words += ["--configfile", *base, "small.yaml"]
        subprocess.run(toy.command(*words), cwd=copy, env=toy.environment(), check=True)
        shutil.rmtree(folder / name, ignore_errors=True)
        (copy / "results").rename(folder / name)
        shutil.rmtree(copy.parent)


def compare(first: Path, second: Path) -> list[str]:
    """What differs between two folders that `make` made, one line each."""
    names = [sorted(str(path.relative_to(folder)) for path in results(folder)) for folder in (first, second)]
    lines = [f"{name}: only in {first}" for name in sorted({*names[0]} - {*names[1]})]
    lines += [f"{name}: only in {second}" for name in sorted({*names[1]} - {*names[0]})]
    for name in sorted({*names[0]} & {*names[1]}):
        lines += [f"{name}: {line}" for line in differences(content(first / name), content(second / name))]
    return lines


def results(folder: Path) -> Iterator[Path]:
    """Files that hold results, neither logs nor times nor pages."""
    for path in folder.rglob("*"):
        if path.suffix in (".h5", ".json", ".tsv", ".safetensors") and not {"logs", "benchmarks", "costs.tsv"} & {
            *path.parts
        }:
            yield path


def content(path: Path) -> dict[str, Any]:
    """Name -> array or value of everything in a file."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            found = {f"attribute {key}": value for key, value in file.attrs.items() if key not in PROVENANCE}
            file.visititems(lambda key, item: found.update({key: item[()]} if isinstance(item, h5py.Dataset) else {}))
            return found
    if path.suffix == ".safetensors":
        return dict(load_file(path))
    if path.suffix == ".json":
        value = json.loads(path.read_text())
        return (
            {key: part for key, part in value.items() if key not in PROVENANCE}
            if isinstance(value, dict)
            else {"": value}
        )
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return {f"row {number}": row for number, row in enumerate(rows)}


def differences(first: dict[str, Any], second: dict[str, Any]) -> Iterator[str]:
    """One line for each entry that is not equal to the bit, with how far numbers are apart."""
    for key in sorted({*first} | {*second}):
        if key not in first or key not in second:
            yield f"{key} only in the {'first' if key in first else 'second'}"
            continue
        one, other = np.asarray(first[key]), np.asarray(second[key])
        if one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes() != b"":
            if one.dtype != object or one.tolist() == other.tolist():
                continue
        elif (one.dtype == object and one.tolist() == other.tolist()) or one.size == other.size == 0:
            continue
        if one.shape == other.shape and one.dtype.kind in "iuf" and other.dtype.kind in "iuf":
            apart = float(np.nanmax(np.abs(one.astype(float) - other.astype(float))))
            yield f"{key} differs by at most {apart:.3g}"
        else:
            yield f"{key} differs: {str(first[key])[:90]} | {str(second[key])[:90]}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=["make", "compare"])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--only", nargs="+", default=[*COUNTS, "toy"], help="configurations that are made")
    given = parser.parse_args()
    if given.do == "make":
        make(given.folders[0], given.only)
    else:
        told = compare(*given.folders)
        print("\n".join(told) or "equal")
        sys.exit(bool(told))
