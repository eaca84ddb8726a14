"""The configuration: defaults come from the schema, every mistake is a line, names must exist."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from lacuna.config import documentation
from lacuna.config.base import Section
from lacuna.config.configuration import Configuration, check_config
from lacuna.config.networks import generator_files
from lacuna.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
Config = dict[str, Any]


@pytest.fixture
def config() -> Config:
    found: Config = yaml.safe_load((ROOT / "config.yaml").read_text())
    return found


def test_defaults_are_filled_in_at_any_depth(config: Config) -> None:
    filled = check_config(config)
    chapel = filled.sources["chapel"].given()
    assert chapel["size"] == 64 and chapel["omit"] == []
    assert "size" not in filled.sources["progan"].given(), "a default leaked from the kind that was not taken"
    assert filled.shard_size.given() == {"images": 1000, "inversions": 16}
    assert filled.segment.heads == ["object"]


def test_all_that_is_wrong_is_said_at_once(config: dict[str, Any]) -> None:
    config["sources"]["chapel"] |= {"omit": ["dragon", "ground"], "scale": {"unicorn": 2}, "scenes": {"moon": 1}}
    config["sources"]["progan"]["generator"] = "nobody"
    config["segmenters"]["chapel"]["checkpoint"] = "gone.safetensors"
    with pytest.raises(UserError) as caught:
        check_config(config, "my.yaml", exists=lambda path: False)
    first, *lines = str(caught.value).splitlines()
    assert first == "my.yaml: 7 problems"
    for line, words in zip(
        sorted(lines),
        [
            "generators.progan_chapel.checkpoint: found 'workflow/demo/progan.safetensors', no such file",
            "segmenters.chapel.checkpoint: found 'gone.safetensors', no such file",
            "sources.chapel.omit: found 'dragon', which is no object of the world; expected some of: ",
            "sources.chapel.omit: found 'ground', which is",
            "sources.chapel.scale: found 'unicorn', which is no object of the world",
            "sources.chapel.scenes: found 'moon', expected some of: ",
            "sources.progan.generator: found 'nobody', expected one of generators: ",
        ],
        strict=True,
    ):
        assert line.strip().startswith(words)


def test_all_errors_of_the_schema_are_said_at_once(config: dict[str, Any]) -> None:
    config["sources"]["chapel"]["count"] = "many"
    config["segmenters"]["chapel"]["familly"] = "upernet"
    config["seed"] = -1
    with pytest.raises(UserError) as caught:
        check_config(config)
    text = str(caught.value)
    assert "config.yaml: 3 problems" in text
    assert all(place in text for place in ("sources.chapel.count: ", "segmenters.chapel: found unknown", "seed: "))


@pytest.mark.parametrize(
    "path",
    ["/data/run #2", "2023023902_2", "1e5", "007", "{x}", "a: b", "no", "[x]", "2024-01-01", "it's", "x, y", "null"],
)
def test_a_path_on_the_command_line_is_the_text_that_was_typed(config: dict[str, Any], path: str) -> None:
    config["sources"]["photos"] = {"kind": "folder"}
    parsed = yaml.load(path, yaml.BaseLoader)  # as Snakemake hands it over
    found = check_config(config | {"photos": parsed}, typed=[f"photos={path}", "seed=1"])
    assert found.sources["photos"].given()["path"] == path


def test_homes_and_variables_are_expanded_unless_a_file_has_that_name(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA", "/data")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.chdir(tmp_path)
    paths = {"a": "~/photos", "b": "$DATA/photos", "c": "~", "d": "$NOTHING/x", "e": "~t"}
    (tmp_path / "~t").mkdir()
    config["sources"] |= {name: {"kind": "folder", "path": path} for name, path in paths.items()}
    found = check_config(config).given()["sources"]
    assert [found[name]["path"] for name in paths] == [
        "/home/me/photos",
        "/data/photos",
        "/home/me",
        "$NOTHING/x",
        "~t",
    ]


def test_a_generators_settings_are_its_familys(config: Config) -> None:
    config["generators"]["style"] = {"family": "stylegan", "checkpoint": "a.pt", "truncation_layers": 8}
    filled = check_config(config)
    assert filled.generators["style"].usage() == {"noise": "fixed", "truncation": 1, "truncation_layers": 8}
    assert filled.generators["progan_chapel"].usage() == {}


def test_a_stylegan2_needs_a_file_and_may_draw_classes_or_one(config: Config) -> None:
    config["generators"]["style"] = {"family": "stylegan2"}
    with pytest.raises(ValueError, match=r"generators\.style: key 'checkpoint' is missing"):
        check_config(config)
    config["generators"]["style"]["checkpoint"] = "a.pkl"
    assert check_config(config).generators["style"].usage() == {"noise": "fixed", "truncation": 1}
    config["sources"] |= {"drawn": {"kind": "generator", "generator": "style", "count": 10, "seed": 1}}
    config["classifiers"] = {"judge": {"family": "resnet", "checkpoint": "j.safetensors"}}
    config["conditional"] = [
        {"real": "chapel", "generated": "drawn", "classifier": "judge", "training": "chapel"},
    ]
    check_config(config)
    for changes, message in [
        ({"label": 2}, "found 'drawn', which has no labels"),
        ({"label": -1}, "label: found -1"),
        ({"noise": "const"}, "noise: found 'const', expected one of: fixed, none, per_image"),
        ({"checkpoint": ["a.pkl", "b.pkl"]}, r"checkpoint: found \['a.pkl', 'b.pkl'\], expected a valid string"),
    ]:
        wrong = {**config, "generators": {**config["generators"], "style": config["generators"]["style"] | changes}}
        with pytest.raises(ValueError, match=message):
            check_config(wrong)


@pytest.mark.parametrize(
    ("section", "entry", "key"),
    [
        ("sources", {"count": 3}, "kind"),
        ("generators", {"checkpoint": "a"}, "family"),
        ("segmenters", {"checkpoint": "a"}, "family"),
        ("classifiers", {"checkpoint": "a"}, "family"),
    ],
)
def test_what_an_entry_is_comes_before_what_such_an_entry_needs(
    config: Config, section: str, entry: Config, key: str
) -> None:
    config.setdefault(section, {})["mine"] = entry
    with pytest.raises(ValueError, match=rf"{section}\.mine: key '{key}' is missing"):
        check_config(config)


def test_null_takes_a_key_away(config: Config) -> None:
    config["generators"]["progan_chapel"] |= {"checkpoint": None, "trained_on": "chapel"}
    filled = check_config(config)
    assert generator_files(filled, "progan_chapel") == ["results/train_generator/progan_chapel.safetensors"]
    config["sources"]["chapel"]["count"] = None
    with pytest.raises(ValueError, match=r"sources\.chapel: key 'count' is missing"):
        check_config(config)


def test_checking_changes_nothing_given_and_is_stable(config: Config) -> None:
    before = copy.deepcopy(config)
    once = check_config(config)
    assert config == before and check_config(once.given()) == once


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("sources", "chapel", "coutn"), 3, r"sources\.chapel: found unknown key 'coutn', expected one of: count,"),
        (("sources", "chapel", "generator"), "x", r"sources\.chapel: found unknown key 'generator'"),
        (
            ("generators", "progan_chapel", "truncation"),
            0.7,
            r"generators\.progan_chapel: found unknown key 'truncation'",
        ),
        (("colour",), 1, r"top level: found unknown key 'colour'"),
        (("sources", "My-Photos"), {"kind": "world", "count": 2}, "found 'My-Photos', expected a name of lower-case"),
        (("sources", "chapel", "kind"), "wolrd", r"sources\.chapel\.kind: found 'wolrd', expected one of: world"),
        (("sources", "chapel", "count"), 0, r"sources\.chapel\.count: found 0"),
        (("comparisons", 0, "real"), "chappel", r"comparisons\.0\.real: found 'chappel', expected one of sources: "),
        (("inversions", 0, "count"), 3000, r"inversions\.0\.count: found 3000, expected at most the 2000 images"),
        (("inversions", 0, "methods"), ["magic"], r"inversions\.0\.methods\.0: found 'magic', expected one of"),
        (("segmenters", "chapel"), {"family": "upernet"}, r"segmenters\.chapel: no checkpoint and no 'trained_on'"),
        (("inversions", 1, "source"), "chapel", r"inversions\.1: found .* twice"),
        (("calibrate",), {"segmenters": ["chapel"]}, r"calibrate: key 'source' is missing, expected the"),
        (
            ("calibrate",),
            {"segmenters": ["x"], "source": "chapel", "counts": [100]},
            r"calibrate\.segmenters\.0: found 'x'",
        ),
        (("calibrate",), {"segmenters": ["chapel"], "source": "progan"}, r"found a source of kind generator, expected"),
        (
            ("calibrate",),
            {"segmenters": ["chapel"], "source": "chapel"},
            r"calibrate\.counts: found 8000 images per side",
        ),
        (("invert",), {"layer": 4}, r"invert\.layer: a key of an earlier version: it is train_encoder\.layer"),
        (
            ("generators", "progan_chapel"),
            {"family": "progan", "trained_on": "chapel", "train": {"checkpoint_interval": 10}},
            r"generators\.progan_chapel\.train\.checkpoint_interval: a key of an earlier version",
        ),
        (
            ("inversions", 0, "invert"),
            {"stepps": 1},
            r"inversions\.0\.invert: found unknown key 'stepps', expected one",
        ),
        (
            ("comparisons", 0, "fsd"),
            {"q_below": 2},
            r"comparisons\.0\.fsd\.q_below: found 2, expected less than or equal",
        ),
        (("invert",), {"residual_layers": [3, 9]}, r"invert\.residual_layers: found \[3, 9\], expected layers 1 to 4"),
    ],
)
def test_a_mistake_is_one_line_with_place_found_and_expected(
    config: Config, path: tuple[Any, ...], value: Any, message: str
) -> None:
    place: Any = config
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=message) as caught:
        check_config(config, where="my.yaml")
    assert str(caught.value).startswith("my.yaml: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "path", [("report",), ("sources",), ("sources", "chapel", "count"), ("comparisons", 0, "real")]
)
def test_a_missing_key_is_named(config: Config, path: tuple[Any, ...]) -> None:
    place: Any = config
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    with pytest.raises(ValueError, match=f"key '{path[-1]}' is missing"):
        check_config(config)


def test_every_key_says_what_it_is() -> None:
    silent = [f"{model.__name__}.{name}" for model in _models(Configuration) for name in _silent(model)]
    assert silent == []


def _models(model: type[Section]) -> Iterator[type[Section]]:
    yield model
    for field in model.model_fields.values():
        for inside in documentation.models_in(field.annotation):
            yield from _models(cast(type[Section], inside))


def _silent(model: type[Section]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        is_kind = name in ("kind", "family")
        if not (field.description or is_kind or documentation.models_in(field.annotation)):
            yield name


def test_an_inversion_may_be_searched_for_otherwise_and_the_section_gives_the_rest(config: Config) -> None:
    config["invert"] = {"steps": 7, "learning_rate": {"z": 0.5}}
    config["inversions"][0]["invert"] = {"learning_rate": {"residuals": 0.25}}
    filled = check_config(config)
    own = filled.inversions[0].invert
    assert own is not None and filled.inversions[1].invert is None
    assert own.given() == filled.invert.given() | {"learning_rate": {"z": 0.5, "residuals": 0.25}}
    assert filled.invert.steps == 7 and check_config(filled.given()) == filled


def test_sources_are_unique_or_equal_over_all_overlays() -> None:
    seen: dict[str, Any] = {}
    reports: dict[str, str] = {}
    for path in [ROOT / "config.yaml", *sorted((ROOT / "experiments").glob("*.yaml"))]:
        overlay = yaml.safe_load(path.read_text())
        for name, settings in overlay.get("sources", {}).items():
            assert seen.setdefault(name, settings) == settings, f"{path.name}: source {name} differs elsewhere"
        report = overlay["report"]
        assert report not in reports, f"{path.name}: report name {report} is taken by {reports.get(report)}"
        reports[report] = path.name


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ([[0, 1], [2, 2, 3]], "splits: repeats class 2, expected each of the classes 0 to 3 once"),
        ([[0, 1], [3, 2], [0, 1]], "splits: repeats class 0"),
        ([[0, 1], [2, 4]], "splits: misses class 3"),
        ([[0, 1], [2, 3, 4]], "splits: holds unknown class 4"),
        (3, "splits: found 3, expected equal groups of at least 2 of the 4 classes"),
        ([[0, 1, 2], [3]], r"splits\.1: found .* expected list should have at least 2 items"),
    ],
)
def test_splits_hold_every_class_once(config: Config, splits: Any, message: str) -> None:
    gan = {"family": "acgan", "trained_on": "chapel", "splits": splits, "train": {"classes": 4}}
    config["generators"]["acgan_new"] = gan
    with pytest.raises(ValueError, match=message):
        check_config(config)


def test_only_class_splits_have_several_checkpoints(config: Config) -> None:
    config["generators"]["progan_chapel"]["checkpoint"] = ["a.safetensors", "b.safetensors"]
    with pytest.raises(ValueError, match="only families with labels have class splits"):
        check_config(config)


@pytest.mark.parametrize("kind", ["folder", "lsun", "labelled"])
def test_the_ground_below_transparent_pixels_is_a_color_that_is_known_before_any_image_is_read(
    config: Config, kind: str
) -> None:
    photos = {"kind": kind, "path": "photos", "count": 9} | ({"size": 64} if kind == "labelled" else {})
    for ground in ("white", "black", "gray", "#a0B1c2"):
        config["sources"]["photos"] = photos | {"background": ground}
        assert check_config(copy.deepcopy(config)).sources["photos"].given()["background"] == ground
    for ground in ("transparent", "nonsense", "#123", "#12345678", "hsl(0,1%,1%)", 255):
        config["sources"]["photos"] = photos | {"background": ground}
        with pytest.raises(UserError, match=r"sources\.photos\.background: "):
            check_config(copy.deepcopy(config))
