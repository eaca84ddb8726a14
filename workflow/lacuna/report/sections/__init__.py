"""The sections of the page in their order: how each is called, and which results it shows.

A section is a folder beside this file. Its module `content` holds a class of the section's name, a `Section` of
`lacuna.report.page`; `content.html` beside it is its template. The table is read when jobs are planned, and imports
none of them: what draws is loaded where the page is made.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lacuna.config import targets
from lacuna.config.configuration import Configuration

TRAININGS = ("train_segmenter", "train_generator", "train_autoencoder", "train_classifier", "train_encoder")


@dataclass(frozen=True)
class Entry:
    """One section of the page.

    name: of its folder, and in lower case of its class.
    title: in the navigation.
    reads: the results that it shows, of a configuration.
    """

    name: str
    title: str
    reads: Callable[[Configuration], Iterable[str]]

    @property
    def module(self) -> str:
        """Where its class is."""
        return f"{__name__}.{self.name}.content"


def _of_stages(*stages: str) -> Callable[[Configuration], Iterable[str]]:
    """Everything that some stages write."""

    def files(config: Configuration) -> Iterable[str]:
        written = targets.stage_files(config)
        return [path for stage in stages for path in written[stage]]

    return files


def _of_distribution(config: Configuration) -> Iterable[str]:
    yield from _of_stages("fsd")(config)
    for name in dict.fromkeys(side for entry in config.comparisons for side in (entry.real, entry.generated)):
        yield from targets.image_shards(config, name)[:1]  # for the sheets of samples


def _of_families(config: Configuration) -> Iterable[str]:
    yield from _of_stages("truth", "follow")(config)
    yield from (entry.curve for entry in config.generators.values() if entry.curve)


def _of_classes(config: Configuration) -> Iterable[str]:
    yield from _of_stages(*targets.CONDITIONAL, "fsd_by_class")(config)
    for entry in config.conditional:
        yield from targets.image_shards(config, entry.generated)


def _of_training(config: Configuration) -> Iterable[str]:
    trained = _of_stages(*TRAININGS)(config)
    return [path.removesuffix(".safetensors") + ".tsv" for path in trained]


SECTIONS = (
    Entry("contrasts", "Which is nearer", _of_stages("contrast")),
    Entry("findings", "Findings", _of_stages()),
    Entry("agreement", "Agreement", _of_stages("agreement")),
    Entry("distribution", "Distribution", _of_distribution),
    Entry("appearance", "Appearance", _of_stages("appearance")),
    Entry("families", "Side by side", _of_families),
    Entry("captions", "Captions", _of_stages("paired")),
    Entry("classes", "Classes", _of_classes),
    Entry("instances", "Instances", _of_stages("invert", "evaluate", "omissions")),
    Entry("training", "Training", _of_training),
    Entry("run", "Run", _of_stages()),
)


def files(config: Configuration) -> list[str]:
    """The results that the page shows, without repeats."""
    return list(dict.fromkeys(path for entry in SECTIONS for path in entry.reads(config)))
