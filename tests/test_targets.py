"""Which files a configuration asks for."""

from typing import Any

import pytest

from lacuna.config.configuration import check_config
from lacuna.config.entries import control_source, inversion_entry, inversion_perceptual, omission_method
from lacuna.config.networks import encoder_weights, generator_of_part, generator_parts
from lacuna.config.shards import Shard, shard_from_name, shard_paths, shards
from lacuna.config.targets import stage_files, used_sources

CONFIG: dict[str, Any] = {
    "seed": 1,
    "report": "index",
    "sources": {
        "world": {"kind": "world", "count": 2300},
        "idle": {"kind": "world", "count": 5},
        "held": {"kind": "world", "count": 10},
        "gan": {"kind": "generator", "generator": "gan", "count": 1000},
        "photos": {"kind": "folder", "path": "my photos", "count": 7},
    },
    "segmenters": {"net": {"family": "upernet", "trained_on": "world", "validated_on": "held"}},
    "generators": {"gan": {"family": "progan", "checkpoint": "gan.safetensors"}},
    "comparisons": [{"real": "photos", "generated": "gan", "segmenter": "net"}],
    "inversions": [{"generator": "gan", "source": "photos", "count": 7, "methods": ["layered"]}],
}


def test_shards_are_named_by_what_they_hold_and_do_not_move_when_the_count_grows() -> None:
    assert [shard.name for shard in shards(2300, 1000)] == ["0-999", "1000-1999", "2000-2299"]
    assert shards(3300, 1000)[:2] == shards(2300, 1000)[:2]
    assert shard_from_name("1000-1999") == Shard(1000, 1999) and len(Shard(1000, 1999)) == 1000
    assert shard_paths("a", 3, 2)[1].as_posix() == "a/2-2.h5"
    with pytest.raises(ValueError, match="at least 1"):
        shards(0, 10)


def test_only_what_comparisons_and_inversions_need_is_asked_for() -> None:
    files = stage_files(check_config(CONFIG))
    assert files["render"] == [
        "results/render/world/0-999.h5",
        "results/render/world/1000-1999.h5",
        "results/render/world/2000-2299.h5",
        "results/render/held/0-9.h5",
    ]
    assert files["sample"] == ["results/sample/gan/0-999.h5"]
    assert files["segment"] == ["results/segment/net/photos/0-6.h5", "results/segment/net/gan/0-999.h5"]
    assert files["train_segmenter"] == ["results/train_segmenter/net.safetensors"]
    assert files["train_generator"] == []
    assert files["fsd"] == ["results/fsd/net/photos~gan.json", "results/fsd/net/photos~gan.tsv"]
    assert files["invert"] == ["results/invert/layered/gan/photos/0-6.h5"]
    assert "idle" not in used_sources(check_config(CONFIG))


def test_a_stage_is_empty_where_nothing_asks_for_it() -> None:
    files = stage_files(check_config(CONFIG | {"comparisons": [], "inversions": []}))
    assert {stage for stage, paths in files.items() if paths} == {"report"}


def test_a_ready_table_is_tabulated_and_not_segmented() -> None:
    sources = CONFIG["sources"] | {"photos": {"kind": "table", "path": "tally.npy", "count": 1500}}
    files = stage_files(check_config(CONFIG | {"sources": sources, "inversions": []}))
    assert files["tabulate"] == ["results/tabulate/net/photos/0-999.h5", "results/tabulate/net/photos/1000-1499.h5"]
    assert (
        files["segment"] == ["results/segment/net/gan/0-999.h5"] and "results/moments/net/photos.h5" in files["moments"]
    )
    with pytest.raises(ValueError, match=r"inversions\.0\.source: found 'photos', a table of areas, expected a source"):
        check_config(CONFIG | {"sources": sources})


def test_a_calibration_asks_for_its_scenes_and_is_no_part_of_the_page() -> None:
    pool = {"source": "idle", "segmenters": ["net"], "counts": [12]}
    sources = CONFIG["sources"] | {"idle": {"kind": "world", "count": 1024}}
    config = check_config(CONFIG | {"comparisons": [], "inversions": [], "sources": sources, "calibrate": pool})
    files = stage_files(config)
    assert files["plant"] == ["results/plant/net/idle/0-999.h5", "results/plant/net/idle/1000-1023.h5"]
    assert files["calibrate"] == ["results/calibrate/net.tsv"]
    assert "results/render/idle/1000-1023.h5" in files["render"]
    assert files["train_segmenter"] == ["results/train_segmenter/net.safetensors"]
    nothing = stage_files(check_config(CONFIG))
    assert nothing["plant"] == nothing["calibrate"] == []


def test_an_encoder_that_is_given_is_not_trained() -> None:
    given = {"gan": CONFIG["generators"]["gan"] | {"encoders": {"encoder": "published.pth"}}}
    config = check_config(CONFIG | {"generators": given})
    assert stage_files(config)["train_encoder"] == []
    assert encoder_weights(config, "gan", "layered_r") == "published.pth"
    assert encoder_weights(config, "gan", "direct_z") == "results/train_encoder/gan/direct.safetensors"
    assert encoder_weights(config, "gan", "z") is None


def test_omissions_are_looked_for_in_the_best_method() -> None:
    config = check_config(CONFIG)
    photos = inversion_entry(config, "gan", "photos")
    assert photos.count == 7
    assert omission_method(config, photos.model_copy(update={"methods": ["layered_r", "layered"]})) == "layered_r"
    assert omission_method(config, photos.model_copy(update={"methods": ["layered", "layered_z"]})) == "layered_z"


def test_the_generators_own_samples_are_the_control_of_its_photos() -> None:
    config = check_config(CONFIG)
    photos = config.inversions[0]
    assert control_source(config, photos) is None
    own = photos.model_copy(update={"source": "gan"})
    config = config.model_copy(update={"inversions": [photos, own]})
    assert control_source(config, photos) == "gan"
    assert control_source(config, own) is None


def test_the_segmenters_backbone_is_the_perceptual_network_unless_one_is_named() -> None:
    config = check_config(CONFIG | {"perceptual": {"vgg": {"family": "vgg16", "checkpoint": "vgg.pth"}}})
    photos = config.inversions[0]
    expected = {"family": "upernet", "checkpoint": "results/train_segmenter/net.safetensors", "settings": {}}
    assert inversion_perceptual(config, photos) == expected
    assert inversion_perceptual(config, photos.model_copy(update={"perceptual": "vgg"}))["checkpoint"] == "vgg.pth"


def test_each_group_of_classes_is_a_network_of_its_own() -> None:
    gan = {"family": "acgan", "trained_on": "world", "splits": [[0, 3], [1, 2]], "train": {"classes": 4}}
    config = check_config(CONFIG | {"generators": {"gan": gan}})
    paths = ["results/train_generator/gan_split_0.safetensors", "results/train_generator/gan_split_1.safetensors"]
    assert stage_files(config)["train_generator"] == paths
    assert [part["classes"] for part in generator_parts(config, "gan").values()] == [[0, 3], [1, 2]]
    assert generator_of_part(config, "gan_split_1") == "gan"
    config = check_config(CONFIG | {"generators": {"gan": gan | {"splits": 2}}})
    assert [part["classes"] for part in generator_parts(config, "gan").values()] == [[0, 1], [2, 3]]
    config = check_config(CONFIG | {"generators": {"gan": gan | {"splits": 1}}})
    assert stage_files(config)["train_generator"] == ["results/train_generator/gan.safetensors"]


def test_only_the_shards_that_hold_certain_images_are_named_when_asked_for() -> None:
    everything = shards(25, 10)
    for first, last in ((0, 0), (9, 10), (10, 19), (5, 24), (24, 24), (20, 99)):
        holding = [shard for shard in everything if shard.first <= last and shard.last >= first]
        assert shards(25, 10, first, last) == holding
