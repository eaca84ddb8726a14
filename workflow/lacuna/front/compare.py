"""Compare two sets of images in one call: the workflow's own stages, one after another, without Snakemake.

Nothing is computed here, so what comes out is what the workflow writes for the same images, settings and threads.
"""

import importlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

from lacuna import own
from lacuna.config import published, targets, yaml_files
from lacuna.config.configuration import Configuration, check_config
from lacuna.data import census
from lacuna.errors import UserError
from lacuna.front.comparison import Comparison
from lacuna.front.given import Images, source
from lacuna.planning.told import Told
from lacuna.runtime.provenance import canonical_json

SIDES = ("real", "generated")
NAME = "segmenter"


def compare(
    real: Images,
    generated: Images,
    segmenter: str | Path | Mapping[str, Any] = "chapel",
    *,
    folder: str | Path | None = None,
    threads: int | None = None,
    seed: int = 1,
    **sections: Any,
) -> Comparison:
    """Distance of generated images to real ones, and what they leave out.

    Args:
        real, generated: path of a folder, archive (zip, tar), array file (npz, npy, parquet) or LMDB; the keys of a
            source of the configuration; uint8 images, or floats of 0 to 1, (N, H, W, 3) or (N, 3, H, W), as an array or
            tensor; or anything that yields batches of these.
        segmenter: keys of a segmenter of the configuration, such as {"family": "upp", "checkpoint": "/path"}; `chapel`
            is that of the embedded world; another text is the path of weights that train_segmenter made.
        folder: where the results are kept; a temporary folder where None, which goes with what is returned.
        threads: of the CPU; as torch is set where None. Sums differ in the last digits between numbers of threads.
        seed: of subsets and permutations.
        sections: of the configuration: `fsd`, `segment`, `shard_size`, `device`; docs/configuration.md has their keys.

    Raises:
        UserError: one line for each thing that is wrong: what, found, expected.
    """
    keeps = None if folder else tempfile.TemporaryDirectory(prefix="lacuna-")
    place = Path(folder or keeps.name).resolve()  # type: ignore[union-attr]
    place.mkdir(parents=True, exist_ok=True)
    given = {
        "seed": seed,
        "report": "comparison",
        "sources": {side: source(images, side, place) for side, images in zip(SIDES, (real, generated), strict=True)},
        "segmenters": {NAME: segmenter_entry(segmenter)},
        "comparisons": [{**dict(zip(SIDES, SIDES, strict=True)), "segmenter": NAME}],
        **sections,
    }
    config, told = planned(given, place)
    run = partial(_run, told, threads or torch.get_num_threads())
    with torch_as_it_was():
        for side in SIDES:
            measure(config, run, side)
        summary, classes = targets.fsd_files(config.comparisons[0])
        run("fsd", dict(zip(("segmenter", *SIDES), (NAME, *SIDES), strict=True)), summary=summary, tsv=classes)
    return Comparison(place / "results", place / summary, place / classes, partial(_page, told), keeps)


def segmenter_entry(given: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Entry of the configuration's segmenters.

    Raises:
        UserError: its weights would have to be fetched, which the workflow does.
    """
    known = yaml_files.read(own.CONFIG)["segmenters"]
    entry = dict(given) if isinstance(given, Mapping) else known.get(str(given))
    if entry is None:
        entry = {"family": next(iter(known.values()))["family"], "checkpoint": str(given)}
    if str(entry.get("checkpoint", "")).startswith(published.PREFIX):
        raise UserError(
            f"segmenter: found {entry['checkpoint']!r}, expected a file or folder that is there; `snakemake fetch` "
            "brings published weights to resources/"
        )
    return entry


def planned(given: Mapping[str, Any], place: Path) -> tuple[Configuration, Told]:
    """The configuration with every count filled in, and what its jobs are told, all files below `place`."""
    where = "compare"
    config = check_config(given, where, exists=os.path.exists)
    held = census.census(config, targets.used_sources(config))
    config = check_config(census.counted(config, held).given(), where)
    manifests = place / "results" / "manifests"
    census.write_manifests(manifests, config, held)
    return config, Told(config, held, manifests, lambda path: str(place / path))


def measure(config: Configuration, run: Any, side: str) -> None:
    """Class areas of one side, and their moments."""
    for path in targets.table_shards(config, NAME, side):
        stage = Path(path).parts[1]
        run(stage, {"segmenter": NAME, "source": side, "shard": Path(path).stem}, table=path)
    run("moments", {"segmenter": NAME, "source": side}, moments=f"results/moments/{NAME}/{side}.h5")


@contextmanager
def torch_as_it_was() -> Iterator[None]:
    """Leave the process's threads and policy of precision as they were: they are the caller's."""
    threads, products = torch.get_num_threads(), torch.backends.cuda.matmul.fp32_precision
    convolutions = torch.backends.cudnn.allow_tf32
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.fp32_precision = products
        torch.backends.cudnn.allow_tf32 = convolutions
        if deterministic != torch.are_deterministic_algorithms_enabled():
            torch.use_deterministic_algorithms(deterministic)


def _run(told: Told, threads: int, stage: str, wildcards: Mapping[str, str], **outputs: str) -> None:
    """One job, as its rule would run it."""
    module = importlib.import_module(f"lacuna.stages.{stage}")
    job = told.job(stage, **wildcards) | {name: told.where(path) for name, path in outputs.items()}
    if "threads" in module.Job.model_fields:
        job["threads"] = threads
    module.main(["--job", canonical_json(job)])


def _page(told: Told, path: Path) -> None:
    """The report, to a path."""
    from lacuna.stages import report

    report.main(["--job", canonical_json(told.job("report") | {"html": str(path.resolve())})])
