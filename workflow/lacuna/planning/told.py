"""What each job is told: the keys of its stage's Job, but for those that name outputs, which its rule adds.

A method for each stage, with the wildcards of its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lacuna.config import entries, networks, targets
from lacuna.config.configuration import Configuration
from lacuna.config.distribution import Comparison
from lacuna.config.shards import shard_from_name, shards
from lacuna.data.census import manifest_path
from lacuna.data.held import Held
from lacuna.planning.source_code import source_digest

Job = dict[str, Any]
FOLDERS = ("results", "resources")  # what the workflow makes
# Stages whose job depends on the code of one family alone, by the kind of network that the family is of.
FAMILIES_OF = {
    "generators": ("sample", "train_generator", "train_encoder", "invert"),
    "segmenters": ("segment",),
}


class Told:
    """What the jobs of one configuration are told.

    Attributes:
        config: the configuration.
        held: what the users' sources hold, by name.
        manifests: folder of what the main process saw of these.
        where: what says where a path in one of the FOLDERS lies, if not in the working folder.
    """

    def __init__(
        self, config: Configuration, held: Mapping[str, Held], manifests: Path, where: Callable[[str], str] = str
    ) -> None:
        self.config, self.held, self.manifests, self.where = config, held, manifests, where

    def job(self, stage: str, **wildcards: str) -> Job:
        """All that a job of the stage is told but its outputs, the digest of its code among it."""
        told = getattr(self, stage)(**wildcards)
        chosen = {kind: told["family"] for kind, stages in FAMILIES_OF.items() if stage in stages}
        return {**placed(told, self.where), "code": source_digest(f"lacuna.stages.{stage}", **chosen)}

    # Images

    def render(self, source: str, shard: str) -> Job:
        return {"settings": self._world(source), "seed": self._seed(source), **_range(shard)}

    def gather(self, source: str, shard: str) -> Job:
        entry = self.config.sources[source].given()
        told: Job = {key: entry[key] for key in ("path", "size", "background", "groups") if key in entry}
        return {**told, **self._plan(source, shard), **_range(shard)}

    def sample(self, source: str, shard: str) -> Job:
        generator = str(self.config.sources[source].drawn_by)
        return {
            **self._generator(generator),
            "checkpoint": networks.generator_files(self.config, generator),
            "batch_size": self.config.sample.batch_size,
            "seed": self._seed(source),
            **_range(shard),
            **self._redrawn(source, shard),
        }

    # Networks

    def train_segmenter(self, segmenter: str) -> Job:
        return self._training("segmenters", segmenter)

    def train_classifier(self, classifier: str) -> Job:
        return self._training("classifiers", classifier)

    def train_generator(self, generator: str) -> Job:
        whole = networks.generator_of_part(self.config, generator)
        entry = self.config.generators[whole]
        return {
            "family": entry.family,
            "images": self._folder(str(entry.trained_on)),
            "count": self._count(str(entry.trained_on)),
            "shard_size": self.config.shard_size.images,
            "settings": networks.generator_parts(self.config, whole)[generator],
            "seed": self.config.seed,
            "state": f"results/train_generator/{generator}.state.pt",
        }

    def train_autoencoder(self, generator: str) -> Job:
        perceptual = self.config.generators[generator].compared_by
        return {
            **self._training("generators", generator),
            **(_prefixed("perceptual", self.config.perceptual[perceptual].given()) if perceptual else {}),
            "state": f"results/train_autoencoder/{generator}.state.pt",
        }

    def train_encoder(self, generator: str, part: str) -> Job:
        return {
            "part": part,
            **self._generator(generator),
            "parts_dir": f"results/train_encoder/{generator}",
            "settings": self.config.train_encoder.given(),
            "seed": self.config.seed,
            "state": f"results/train_encoder/{generator}/{part}.state.pt",
        }

    # Class areas

    def segment(self, segmenter: str, source: str, shard: str) -> Job:
        return {
            **self._segmenter(segmenter),
            **self._images(source, shard),
            "settings": targets.segment_settings(self.config, segmenter, source),
            "kept": self.config.regions.given(),
            "seed": self.config.seed,
            "batch_size": self.config.segment.batch_size,
        }

    def tabulate(self, segmenter: str, source: str, shard: str) -> Job:
        entry = self.config.sources[source].given()
        return {
            "source": entry["path"],
            "labels": entry.get("labels") or networks.segmenter_weights(self.config, segmenter),
            "settings": {key: entry[key] for key in ("size", "unit", "dataset") if key in entry},
            **_range(shard),
        }

    def moments(self, segmenter: str, source: str) -> Job:
        return {**self._tables(segmenter, source), "shard_size": self.config.shard_size.images}

    def plant(self, segmenter: str, source: str, shard: str) -> Job:
        settings = self.config.segment
        return {
            "shard": f"results/render/{source}/{shard}.h5",
            "world": self._world(source),
            "seed": self._seed(source),
            "objects": self.config.calibrate.objects or ["all"],
            **self._segmenter(segmenter),
            "size": self.config.segmenters[segmenter].size or settings.size or 0,
            "precision": settings.precision,
            "batch_size": settings.batch_size,
        }

    # Distributions

    def fsd(self, segmenter: str, real: str, generated: str) -> Job:
        entry = self._comparison(segmenter, real, generated)
        told = {"settings": (entry.fsd or self.config.fsd).given(), **self._resampled()}
        for side, source in (("real", real), ("generated", generated)):
            tables = {f"{side}_{key}": value for key, value in self._tables(segmenter, source).items()}
            told |= tables | {f"{side}_moments": f"results/moments/{segmenter}/{source}.h5"}
            if source in self.held:
                told[f"{side}_manifest"] = self._manifest(source)
        return told

    def contrast(self, segmenter: str, real: str, a: str, b: str) -> Job:
        told = {"settings": self.config.fsd.given(), **self._resampled()}
        for side, source in (("real", real), ("a", a), ("b", b)):
            told |= {f"{side}_{key}": value for key, value in self._tables(segmenter, source).items()}
            told[f"{side}_moments"] = f"results/moments/{segmenter}/{source}.h5"
        return told

    def paired(self, segmenter: str, real: str, generated: str) -> Job:
        entry = self._comparison(segmenter, real, generated)
        told = {
            "prompts": self.config.generators[str(self.config.sources[generated].drawn_by)].usage()["prompts"],
            "shard_size": self.config.shard_size.images,
            "settings": (entry.fsd or self.config.fsd).given(),
            **({"real_manifest": self._manifest(real)} if real in self.held else {}),
        }
        for side, source in (("real", real), ("generated", generated)):
            told |= {f"{side}_{key}": value for key, value in self._tables(segmenter, source).items()}
        return told

    def agreement_labels(self, segmenter: str, second: str, source: str) -> Job:
        entry = entries.agreement_entry(self.config, segmenter, second, source)
        judges = {
            name: {**self._segmenter(name), "settings": targets.segment_settings(self.config, name, source)}
            for name in (segmenter, second)
        }
        return {
            "judges": judges,
            "synonyms": entry.synonyms,
            **self._images(source, f"0-{min(entry.count, self._count(source)) - 1}"),
            "batch_size": self.config.segment.batch_size,
            "confidence": self.config.fsd.confidence,
            "seed": self.config.seed,
        }

    def agreement(self, segmenter: str, second: str, real: str, generated: str) -> Job:
        names = (segmenter, second)
        return {
            "names": list(names),
            "verdicts": [f"results/fsd/{name}/{real}~{generated}.tsv" for name in names],
            "category": "object",
            **{
                side: f"results/agreement/{segmenter}~{second}/labels/{name}.json"
                for side, name in (("real", real), ("generated", generated))
            },
        }

    def appearance(self, segmenter: str, real: str, generated: str) -> Job:
        config = self.config
        limits = config.fsd.model_dump(include={"omitted_below", "changed_by", "q_below"})
        told = {"settings": config.appearance.given(), "kept": config.regions.given(), "verdicts": limits}
        for side, source in (("real", real), ("generated", generated)):
            told |= {f"{side}_{key}": value for key, value in self._tables(segmenter, source).items()}
        return {**told, **self._resampled()}

    def fsd_by_class(self, segmenter: str, real: str, generated: str) -> Job:
        told = {"settings": self.config.fsd.given(), **self._resampled()}
        for side, source in (("real", real), ("generated", generated)):
            told |= {f"{side}_{key}": value for key, value in self._tables(segmenter, source).items()}
            told[f"{side}_images"] = targets.image_shards(self.config, source)
        return told

    def truth(self, segmenter: str, real: str) -> Job:
        compared = targets.compared_with(self.config, segmenter, real)
        sides = [self._tables(segmenter, source) for source in (real, *compared)]
        return {
            "scenes": f"results/render/{real}",
            "tables": [side["tables"] for side in sides],
            "counts": [side["count"] for side in sides],
            "generated": compared,
            "shard_size": self.config.shard_size.images,
            "settings": self.config.fsd.given(),
        }

    def follow(self, generator: str) -> Job:
        entry = targets.followed(self.config)[generator]
        segmenter = entries.segmenter_network(self.config, entry.segmenter)
        samples = self._generator(generator)
        return {
            "family": samples["family"],
            "generator_settings": samples["generator_settings"],
            "snapshots": f"results/train_generator/{generator}_sheets",
            "card": f"results/train_generator/{generator}.md",
            "moments": f"results/moments/{entry.segmenter}/{entry.real}.h5",
            "segmenter_family": segmenter["family"],
            "segmenter": segmenter["checkpoint"],
            **_settings("segmenter", segmenter),
            "settings": targets.segment_settings(self.config, entry.segmenter, entry.generated),
            "category": (entry.fsd or self.config.fsd).category,
            "count": self.config.follow.count,
            "batch_size": self.config.segment.batch_size,
            "seed": self._seed(entry.generated),
        }

    def calibrate(self, segmenter: str) -> Job:
        source = str(self.config.calibrate.source)
        return {
            "tables": f"results/plant/{segmenter}/{source}",
            "count": self._count(source),
            "settings": self.config.calibrate.given(),
            "verdicts": self.config.fsd.given(),
            **self._resampled(),
        }

    # Inversions

    def invert(self, method: str, generator: str, source: str, shard: str) -> Job:
        entry = entries.inversion_entry(self.config, generator, source)
        encoder = networks.encoder_weights(self.config, generator, method)
        return {
            "method": method,
            **self._generator(generator),
            **({"encoder": encoder} if encoder else {}),
            **_prefixed("perceptual", entries.inversion_perceptual(self.config, entry)),
            **self._images(source, shard),
            "source": self.config.sources[source].reading,
            "settings": self._search(generator, source),
            "seed": self.config.seed,
            "state": f"results/invert/{method}/{generator}/{source}/{shard}.state.pt",
        }

    def evaluate(self, generator: str, source: str) -> Job:
        entry = entries.inversion_entry(self.config, generator, source)
        return {
            "inversions": "results/invert",
            "methods": entry.methods,
            "generator": generator,
            "source": source,
            **self._inverted(entry.count),
            **self._generator(generator),
            **_prefixed("perceptual", entries.inversion_perceptual(self.config, entry)),
            **_prefixed("segmenter", entries.segmenter_network(self.config, entry.segmenter)),
            "images": self.covering_shards(source, 0, entry.count - 1),
            "settings": self._search(generator, source),
        }

    def omissions(self, generator: str, source: str) -> Job:
        entry = entries.inversion_entry(self.config, generator, source)
        method, control = entries.omission_method(self.config, entry), entries.control_table(self.config, entry)
        return {
            "inversions": f"results/invert/{method}/{generator}/{source}",
            **self._inverted(entry.count),
            **_prefixed("segmenter", entries.segmenter_network(self.config, entry.segmenter)),
            **({"control": control} if control else {}),
            "shown_percent": self.config.fsd.presence_percent,
            "settings": self.config.omissions.given(),
        }

    # Classes

    def discriminate(self, generated: str, real: str) -> Job:
        entry = entries.conditional_entry(self.config, generated, real)
        classifier = self.config.classifiers[entry.classifier].given()
        return {
            **self._sides(generated=generated, real=real),
            "family": classifier["family"],
            "checkpoint": networks.classifier_weights(self.config, entry.classifier),
            "classifier_settings": {key: classifier[key] for key in ("size", "classes") if key in classifier},
            "settings": self.config.discriminate.given(),
        }

    def diversity(self, generated: str, real: str) -> Job:
        return {
            **self._sides(generated=generated, real=real),
            "accuracies": f"results/discriminate/{generated}~{real}.tsv",
            "settings": self.config.diversity.given(),
            "seed": self.config.seed,
        }

    def overfit(self, generated: str, real: str) -> Job:
        training = entries.training_source(self.config, entries.conditional_entry(self.config, generated, real))
        generator = networks.layered_generator(self.config, generated)
        files = networks.generator_files(self.config, generator) if generator else []
        return {
            **self._sides(generated=generated, real=real, training=training),
            **({"family": self.config.generators[generator].family, "checkpoint": files} if generator else {}),
            "settings": self.config.overfit.given(),
            "seed": self.config.seed,
        }

    def report(self) -> Job:
        return {"settings": self.config.given(), "results": "results"}

    def covering_shards(self, source: str, first: int, last: int) -> list[str]:
        """Image shards of a source that hold images `first` to `last`; none where the workflow makes none."""
        if self.config.sources[source].kind not in targets.SHARDED:
            return []
        found = shards(self._count(source), self.config.shard_size.images, first, last)
        return [f"{self._folder(source)}/{shard.name}.h5" for shard in found]

    def _comparison(self, segmenter: str, real: str, generated: str) -> Comparison:
        pair = (segmenter, real, generated)
        return next(one for one in self.config.comparisons if (one.segmenter, one.real, one.generated) == pair)

    def _images(self, source: str, shard: str) -> Job:
        """The images of a shard: image shards that the workflow makes, or what a user has."""
        ends = _range(shard)
        path = (
            None if self.config.sources[source].kind in targets.SHARDED else self.config.sources[source].given()["path"]
        )
        images = [path] if path else self.covering_shards(source, ends["first"], ends["last"])
        return {"images": images, **ends, **(self._plan(source, shard) if path else {})}

    def _redrawn(self, source: str, shard: str) -> Job:
        """The images that samples are the latents of, and how they are read; nothing for those of a prior."""
        of = self.config.sources[source].redraws
        return {**self._images(of, shard), "source": self.config.sources[of].reading} if of else {}

    def _plan(self, source: str, shard: str) -> Job:
        """What holds a job to the files that it was planned with; nothing for those that fetch has yet to bring."""
        held, ends = self.held.get(source), _range(shard)
        return {"manifest": self._manifest(source), "planned": held.plan(ends["first"], ends["last"])} if held else {}

    def _manifest(self, source: str) -> str:
        return manifest_path(self.manifests, source).as_posix()

    def _world(self, source: str) -> Job:
        """What of a world source decides how one scene looks; the count does not."""
        return self.config.sources[source].model_dump(exclude={"kind", "count", "seed", "seen_at"})

    def _seed(self, source: str) -> int:
        return int(self.config.sources[source].given().get("seed", self.config.seed))

    def _count(self, source: str) -> int:
        return int(self.config.sources[source].count or 0)

    def _folder(self, source: str) -> str:
        """Folder of the image shards of a source that the workflow makes."""
        return f"results/{targets.SHARDED[self.config.sources[source].kind]}/{source}"

    def _tables(self, segmenter: str, source: str) -> Job:
        return {"tables": targets.table_folder(self.config, segmenter, source), "count": self._count(source)}

    def _resampled(self) -> Job:
        return {"shard_size": self.config.shard_size.images, "seed": self.config.seed}

    def _segmenter(self, name: str) -> Job:
        network = entries.segmenter_network(self.config, name)
        return {"family": network["family"], "checkpoint": network["checkpoint"], **_settings("segmenter", network)}

    def _generator(self, name: str) -> Job:
        entry = self.config.generators[name]
        weights = networks.generator_weights(self.config, name)
        return {"family": entry.family, "checkpoint": weights, "generator_settings": entry.usage()}

    def _training(self, kind: str, name: str) -> Job:
        """What trains a segmenter or classifier, which is judged on held-out images."""
        entry = getattr(self.config, kind)[name]
        return {
            "images": self._folder(entry.trained_on),
            "count": self._count(entry.trained_on),
            "validation_images": self._folder(entry.validated_on),
            "validation_count": self._count(entry.validated_on),
            "shard_size": self.config.shard_size.images,
            "settings": entry.train.given(),
            "seed": self.config.seed,
            "state": f"results/train_{kind.removesuffix('s')}/{name}.state.pt",
        }

    def _search(self, generator: str, source: str) -> Job:
        """How an inversion is searched for: its own settings, or the section's."""
        own = entries.inversion_entry(self.config, generator, source).invert or self.config.invert
        return own.given() | {"layer": self.config.train_encoder.layer}

    def _inverted(self, count: int) -> Job:
        return {
            "count": count,
            "shard_size": self.config.shard_size.inversions,
            "confidence": self.config.fsd.confidence,
            "seed": self.config.seed,
        }

    def _sides(self, **sources: str) -> Job:
        """Image shards and counts of the sides of an evaluation by class."""
        images = {f"{side}_images": targets.image_shards(self.config, name) for side, name in sources.items()}
        return images | {f"{side}_count": self._count(name) for side, name in sources.items()}


def _range(shard: str) -> Job:
    """First and last image of a shard."""
    found = shard_from_name(shard)
    return {"first": found.first, "last": found.last}


def _prefixed(role: str, network: Mapping[str, Any]) -> Job:
    """A network that has a role beside the generator."""
    return {
        f"{role}_family": network["family"],
        f"{role}_checkpoint": network["checkpoint"],
        **_settings(role, network),
    }


def _settings(role: str, network: Mapping[str, Any]) -> Job:
    """What a network's entry says of its use, where it says anything."""
    return {f"{role}_settings": network["settings"]} if network.get("settings") else {}


def placed(told: Any, where: Callable[[str], str]) -> Any:
    """What a job is told, its files in the workflow's own folders named by `where`, as a module's prefix has them."""
    if isinstance(told, Mapping):
        return {key: placed(value, where) for key, value in told.items()}
    if isinstance(told, list):
        return [placed(value, where) for value in told]
    is_ours = isinstance(told, str) and told.partition("/")[0] in FOLDERS
    return where(told) if is_ours else told
