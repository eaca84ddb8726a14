"""Distance of two sources: Frechet Segmentation Distance, its parts, its uncertainty, and a verdict a class.

Shape suffixes: N images, C classes.
"""

import argparse
import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacuna.formats import areas, moments, tables
from lacuna.formats.moments import SourceMoments
from lacuna.kit import command
from lacuna.statistics import resampling, verdicts
from lacuna.statistics.frechet import Contributions, contributions, frechet
from lacuna.statistics.moments import restrict

log = logging.getLogger(__name__)
HEAVIEST_PAIRS = 20
CURVE_SUBSETS = 48  # distances averaged in a point of the curve over sample sizes


@dataclass(frozen=True)
class Side:
    """One source: its moments, and its pixel counts (N, C) in the same order of classes."""

    name: str
    source: SourceMoments
    area_px_NC: NDArray[np.uint32]


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    settings = args.settings
    real = side("real", args.real_moments, args.real_tables, args.real_count, args.shard_size)
    generated = side("generated", args.generated_moments, args.generated_tables, args.generated_count, args.shard_size)
    check_comparable(real, generated, settings["category"])
    main_rng, *category_rngs = seeded(args.seed, 1 + len(set(real.source.categories)))
    rows, by_category = [], {}
    for category, rng in zip(dict.fromkeys(real.source.categories), category_rngs, strict=True):
        one, other = restricted(real, category), restricted(generated, category)
        shares = contributions(one.source.moments, other.source.moments)
        by_category[category] = distance(one, other, shares)
        rows += class_rows(one, other, shares, settings, rng)
    chosen = restricted(real, settings["category"]), restricted(generated, settings["category"])
    summary = {
        **by_category[settings["category"]],
        **sample_sizes(*chosen, settings, main_rng),
        "by_category": by_category,
        "unit": "percent",
        "category": settings["category"],
        "confidence": settings["confidence"],
        "resamples": settings["resamples"],
        "seed": args.seed,
        "code": args.code,
        "warnings": warnings(*chosen),
    }
    for warning in summary["warnings"]:
        log.warning(warning)
    log.info("fsd %.4g, real against real %s", summary["fsd"], summary["baseline_fsd"])
    tables.write_tsv(args.tsv, verdicts.COLUMNS, rows)
    tables.write_json(args.json, summary)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("fsd", __doc__)
    for name in ("real", "generated"):
        parser.add_argument(f"--{name}-moments", required=True, help=f"moments of the {name} source")
        parser.add_argument(f"--{name}-tables", required=True, help=f"folder of the {name} class-area shards")
        parser.add_argument(f"--{name}-count", type=int, required=True, help=f"number of {name} images")
    parser.add_argument("--shard-size", type=int, required=True, help="images a shard")
    parser.add_argument("--settings", type=command.json_object, required=True, help="JSON: section `fsd` of the config")
    parser.add_argument("--seed", type=int, required=True, help="root seed of subsets and permutations")
    parser.add_argument("--json", required=True, help="summary to write")
    parser.add_argument("--tsv", required=True, help="table of classes to write")
    return parser.parse_args(argv)


def side(name: str, moments_path: str, tables_folder: str, count: int, shard_size: int) -> Side:
    """Read one source; its moments must be those of its tables."""
    source = moments.read(moments_path)
    shards = list(areas.read_shards(tables_folder, count, shard_size))
    area_px_NC = np.concatenate([shard.area_px for shard in shards])
    same = (shards[0].classes, shards[0].categories, shards[0].image_px)
    if (source.classes, source.categories, source.image_px) != same or source.moments.count != len(area_px_NC):
        raise ValueError(
            f"{moments_path}: moments of other tables than {tables_folder}; delete it and run moments again"
        )
    return Side(name, source, area_px_NC)


def seeded(seed: int, count: int) -> list[np.random.Generator]:
    """Independent random streams of this stage."""
    return np.random.default_rng([seed, zlib.crc32(b"fsd")]).spawn(count)


def check_comparable(real: Side, generated: Side, category: str) -> None:
    """Refuse sides that differ in classes or image size, or that have no class of the category.

    Raises:
        ValueError: for any of these.
    """
    one, other = real.source, generated.source
    if (one.classes, one.categories) != (other.classes, other.categories):
        pairs = zip(one.classes, other.classes, strict=False)
        differ = next((f"{a!r} and {b!r}" for a, b in pairs if a != b), "their number or categories")
        raise ValueError(
            f"class lists of {len(one.classes)} real and {len(other.classes)} generated classes differ, first in "
            f"{differ}; segment both sources with one segmenter"
        )
    if one.image_px != other.image_px:
        raise ValueError(
            f"real images have {one.image_px} pixels, generated ones {other.image_px}, expected one size; "
            "set the size of segment"
        )
    if category not in one.categories:
        found = ", ".join(dict.fromkeys(one.categories))
        raise ValueError(
            f"fsd.category: {category!r} is not in the tables, which hold {found}; add it to segment.heads"
        )


def restricted(one: Side, category: str) -> Side:
    """One side with the classes of one category only."""
    chosen = np.flatnonzero(np.array(one.source.categories) == category)
    classes = [one.source.classes[column] for column in chosen]
    source = SourceMoments(
        restrict(one.source.moments, chosen), classes, [category] * len(classes), one.source.image_px
    )
    return Side(one.name, source, one.area_px_NC[:, chosen])


def distance(real: Side, generated: Side, shares: Contributions) -> dict[str, Any]:
    """The distance of one category and the pairs of classes that weigh most in its covariance term."""
    found = frechet(real.source.moments, generated.source.moments)
    return {
        **asdict(found),
        "num_real": real.source.moments.count,
        "num_generated": generated.source.moments.count,
        "num_classes": int(live_classes(real, generated).sum()),
        "class_pairs": [
            {"classes": [real.source.classes[i], real.source.classes[j]], "contribution": value}
            for i, j, value in shares.heaviest_pairs(HEAVIEST_PAIRS)
        ],
    }


def class_rows(
    real: Side, generated: Side, shares: Contributions, settings: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[Any, ...]]:
    """A row a class, in the order of verdicts.COLUMNS."""
    limits = verdicts.Thresholds(settings["omitted_below"], settings["changed_by"], settings["q_below"])
    tests = verdicts.compare_classes(
        real.area_px_NC, generated.area_px_NC, real.source.image_px, settings["presence_percent"],
        settings["confidence"], settings["permutations"], rng,
    )  # fmt: skip
    return verdicts.rows(real.source.classes, real.source.categories, tests, shares.by_class, limits)


def sample_sizes(real: Side, generated: Side, settings: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Baseline, extrapolation and the curve over sample sizes; nothing where a side has too few images."""
    if min(len(real.area_px_NC), len(generated.area_px_NC)) < resampling.FEWEST_IMAGES:
        names = (
            "fsd_infinity",
            "fsd_infinity_low",
            "fsd_infinity_high",
            "baseline_fsd",
            "baseline_low",
            "baseline_high",
        )
        return {**dict.fromkeys(names), "baseline_num": None, "fsd_at_baseline_num": None, "sample_sizes": []}
    live = live_classes(real, generated)
    unit = 100 / real.source.image_px
    one, other = (resampling.deal(side.area_px_NC[:, live], unit, rng) for side in (real, generated))
    fsd = frechet(real.source.moments, generated.source.moments).fsd
    splits = max(settings["resamples"] // 2, 1)
    infinite = resampling.extrapolate(
        fsd,
        resampling.part_distances(one, other, 2, splits, rng),
        resampling.part_distances(one, other, 3, -(-splits // 3), rng),
        settings["confidence"],
    )
    base = resampling.baseline(one, other, splits, rng)
    return {
        "fsd_infinity": infinite.fsd,
        "fsd_infinity_low": infinite.low,
        "fsd_infinity_high": infinite.high,
        "baseline_fsd": base.baseline,
        "baseline_low": base.low,
        "baseline_high": base.high,
        "baseline_num": base.num_images,
        "fsd_at_baseline_num": base.fsd,
        "sample_sizes": [asdict(point) for point in resampling.sample_size_curve(one, other, CURVE_SUBSETS, rng)],
    }


def live_classes(real: Side, generated: Side) -> NDArray[np.bool_]:
    """(C,) whether any image of either side shows the class."""
    return (real.source.moments.mean > 0) | (generated.source.moments.mean > 0)


def warnings(real: Side, generated: Side) -> list[str]:
    """What a reader of the numbers must know."""
    found = []
    live = int(live_classes(real, generated).sum())
    for one in (real, generated):
        count = one.source.moments.count
        if count <= live:
            found.append(
                f"{count} {one.name} images for {live} live classes: the covariance is singular, so the covariance "
                "term is mostly noise and fsd_infinity is not to be trusted; the mean term and the verdicts hold"
            )
    counts = real.source.moments.count, generated.source.moments.count
    if counts[0] != counts[1]:
        found.append(
            f"{counts[0]} real and {counts[1]} generated images: compare fsd with others of the same counts only"
        )
    if min(counts) < resampling.FEWEST_IMAGES:
        found.append(f"fewer than {resampling.FEWEST_IMAGES} images on a side: no baseline and no fsd_infinity")
    return found


if __name__ == "__main__":
    command.run("fsd", main)
