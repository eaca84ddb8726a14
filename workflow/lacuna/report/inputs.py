"""What the page is made of: the configuration and the results it names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacuna import families
from lacuna.config import entries, networks, targets
from lacuna.config.configuration import Configuration
from lacuna.config.distribution import Comparison
from lacuna.config.inversion import Inversion
from lacuna.config.shards import is_shard_name, shard_from_name
from lacuna.data import open_images
from lacuna.data.census import manifest_path
from lacuna.data.held import Plan
from lacuna.data.preparation import Preparation
from lacuna.data.subset import subset_seed
from lacuna.formats import inversions, omissions, tables
from lacuna.formats.images import ImageShards
from lacuna.report import sections
from lacuna.report.reading import Inverted, total_loss
from lacuna.runtime import usage

FOLDER_PX = 128  # side of a folder's images on a contact sheet
COMPARED = 6  # images of a source that all methods are shown of


@dataclass(frozen=True)
class Inputs:
    """The checked configuration and the folder where its results lie."""

    config: Configuration
    results: Path

    def path(self, name: str) -> Path:
        """Where a file that the configuration asks for, `results/...`, lies."""
        return self.results / Path(name).relative_to("results")

    def comparison_table(self, comparison: Comparison) -> list[dict[str, str]]:
        """Rows of the TSV of one comparison."""
        return tables.read_tsv(self.path(targets.fsd_files(comparison)[1]))

    def comparison_tsv(self, comparison: Comparison) -> str:
        """The same as text, to be downloaded from the page."""
        return self.path(targets.fsd_files(comparison)[1]).read_text(encoding="utf-8")

    def comparison_summary(self, comparison: Comparison) -> dict[str, Any]:
        """The distance and what belongs to it."""
        return tables.read_json(self.path(targets.fsd_files(comparison)[0]))

    def looks(self, comparison: Comparison) -> dict[tuple[str, str], str]:
        """Verdict on how each class looks by its name and category, the furthest from the real ones first."""
        if comparison not in targets.looked_at(self.config):
            return {}
        rows = tables.read_tsv(self.path(targets.appearance_files(comparison)[0]))
        known = [row for row in rows if row["distance"] != "nan"]
        known.sort(key=lambda row: -float(row["distance"]))
        return {(row["class"], row["category"]): row["verdict"] for row in known}

    def curve(self, source: str) -> list[dict[str, str]]:
        """Distance along the training of a source's generator: followed by the workflow, or given; else nothing."""
        name = self.config.sources[source].drawn_by
        given = self.config.generators[name].curve if name else None
        if name in targets.followed(self.config):
            return tables.read_tsv(self.path(f"results/follow/{name}.tsv"))
        return tables.read_tsv(Path(given)) if given else []

    def has_images(self, source: str) -> bool:
        """Whether there are pictures to show; a ready table has none."""
        return bool(self.config.sources[source].kind != "table")

    def first_images(self, source: str, count: int) -> NDArray[np.uint8]:
        """The first images of a source, (n, H, W, 3): from its first shard, or from the user's folder.

        What cannot be read is left out, so there may be fewer, or none.
        """
        settings = self.config.sources[source]
        paths = [self.path(name) for name in targets.image_shards(self.config, source)[:1]]
        total = settings.count or 0
        last = min(count, total, self.config.shard_size.images if paths else total) - 1
        given = settings.given()
        side, ground = given.get("size", FOLDER_PX), given.get("background", "white")
        preparation = Preparation(None if paths else side, ground=ground)
        seed, stored = subset_seed(given), given.get("stored_size")
        plan = Plan(str(manifest_path(self.results / "manifests", source)))
        found = open_images(paths or [given["path"]], 0, last, preparation, seed, plan, stored)
        none = np.empty((0, side, side, 3), np.uint8)
        return next((images_NHW3 for _, images_NHW3 in found.batches(count)), none)

    def labelled_images(self, source: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The first images of a source with classes, and their labels."""
        with ImageShards([self.path(name) for name in targets.image_shards(self.config, source)]) as shards:
            rows = slice(0, count)
            return shards.read("images", rows), shards.read("label", rows)

    def benchmarks(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Stage and figures of each job that Snakemake has timed in this folder, with GPU memory and images added."""
        folder = self.results / "benchmarks"
        for path in sorted(folder.rglob("*.tsv")):
            job = path.relative_to(folder).with_suffix("")
            gpu_mb = usage.gpu_memory_mb(self.results / "logs" / job.with_suffix(".log"))
            images = len(shard_from_name(job.name)) if is_shard_name(job.name) else 0
            for row in tables.read_tsv(path):
                yield job.parts[0], row | {"gpu_mb": str(gpu_mb), "images": str(images)}

    def inverted(self, entry: Inversion) -> Inverted:
        """One inverted source: its reconstructions by the method that `omissions` looked at, and their label maps."""
        generator, source, count = entry.generator, entry.source, entry.count
        method = entries.omission_method(self.config, entry)
        folder = self.path(f"results/invert/{method}/{generator}/{source}")
        names = ("x", "x_hat", "loss")
        found = inversions.read_shards(folder, count, self.config.shard_size.inversions, names)
        maps = omissions.read(self.path(targets.omission_files(entry)[1]))
        settings = self.config.sources[source]
        return Inverted(
            generator=generator,
            source=source,
            method=method,
            is_floor=settings.kind == "generator" and settings.generator == generator,
            is_decoder=self.config.generators[generator].has_encoder,
            index_N=found.index,
            x_NHW3=found.x,
            x_hat_NHW3=found.x_hat,
            converged_N=found.converged,
            total_loss_NS=total_loss(found.loss, found.terms),
            labels_photo_NHW=maps.labels_photo,
            labels_reconstruction_NHW=maps.labels_reconstruction,
            lost_NHW=maps.lost,
            classes=maps.classes,
            shown_percent=self.config.fsd.presence_percent,
            evaluation=tables.read_tsv(self.path(f"results/evaluate/{generator}/{source}.tsv")),
            ranking=tables.read_tsv(self.path(targets.omission_files(entry)[2])),
            methods=self._methods(entry) if len(entry.methods) > 1 else {},
        )

    def _methods(self, entry: Inversion) -> dict[str, NDArray[np.uint8]]:
        """What each method made of the first images of a source."""
        shards = {method: targets.inversion_shards(self.config, entry, method)[0] for method in entry.methods}
        read = {method: inversions.read(self.path(path), ("x_hat",)) for method, path in shards.items()}
        return {method: found.x_hat[:COMPARED] for method, found in read.items()}

    def files(self) -> list[Path]:
        """Every file that the page is made from, weights included."""
        used = {entry.segmenter for entry in self.config.comparisons}
        used |= {entries.inversion_segmenter(self.config, entry) for entry in self.config.inversions}
        judges = [entries.segmenter_network(self.config, name) for name in sorted(used)]
        weights = [
            path for judge in judges for path in families.files("segmenters", judge["family"], judge["checkpoint"])
        ]
        generators = [
            self.config.sources[side].drawn_by
            for entry in self.config.comparisons
            for side in (entry.real, entry.generated)
        ]
        generators += targets.inverted_generators(self.config)
        weights += [path for name in dict.fromkeys(generators) if name for path in self._generator_files(name)]
        return [self._found(name) for name in (*sections.files(self.config), *weights)]

    def _generator_files(self, name: str) -> list[str]:
        family = self.config.generators[name].family
        return families.files("generators", family, networks.generator_weights(self.config, name))

    def _found(self, name: str) -> Path:
        return self.path(name) if name.startswith("results/") else Path(name)

    def training_logs(self) -> Iterator[tuple[str, dict[str, list[dict[str, str]]]]]:
        """Name of every network that the workflow trained for this configuration, and the log of each of its parts."""
        for section in ("segmenters", "classifiers"):
            for name in targets.trained(self.config, section):
                yield name, self._logs(f"train_{section[:-1]}", [name])
        for name in targets.trained(self.config, "generators"):
            stage = self.config.generators[name].trained_by
            yield name, self._logs(stage, list(networks.generator_parts(self.config, name)))
        for name in targets.inverted_generators(self.config):
            yield f"encoder of {name}", self._logs(f"train_encoder/{name}", networks.encoder_parts(self.config, name))

    def training_sheets(self, name: str) -> list[Path]:
        """Sheets of samples that the training of a generator left on its way, in its order; none of anything else."""
        return sorted((self.results / "train_generator" / f"{name}_sheets").glob("*.png"))

    def _logs(self, folder: str, names: Sequence[str]) -> dict[str, list[dict[str, str]]]:
        paths = {name: self.results / folder / f"{name}.tsv" for name in names}
        return {name: tables.read_tsv(path) for name, path in paths.items() if path.exists()}
