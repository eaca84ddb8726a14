"""The figures: what they show is what they were given, in colours that everybody can tell apart."""

import base64
import io
import itertools
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lacuna.report.figures import bars, colours, conditional, curves, embed, inversions, segmentations, sheets, style

HOSTILE = "<script>alert('$x^{')</script>&\""
SEEN_AS = {  # Machado et al. 2009, A Physiologically-based Model for Simulation of Color Vision Deficiency, severity 1
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no medium": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def bar(name: str, real: float, generated: float, verdict: str = "kept") -> bars.ClassBar:
    delta = generated / real - 1 if real else math.inf
    return bars.ClassBar(name, real, generated, delta, delta - 0.1, delta + 0.1, verdict)


def svg(figure: Figure) -> ElementTree.Element:
    return ElementTree.fromstring(style.inline_svg(figure, HOSTILE))


@pytest.fixture(scope="module")
def hostile_svg() -> str:
    rows = [bar(HOSTILE, 3.0, 1.0, "reduced"), bar("person", 0.4, 0.0, "omitted"), bar("sun", 0.0, 0.2, "excess")]
    return style.inline_svg(bars.distribution(rows, "real", HOSTILE), HOSTILE)


@pytest.mark.parametrize("sight", SEEN_AS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_verdicts_differ_for_every_eye(sight: str, theme: str) -> None:
    palette = style.VERDICTS if theme == "light" else {name: style.DARK[name] for name in style.VERDICTS}
    lab = [colours.cielab(seen(colour, SEEN_AS[sight])) for colour in palette.values()]
    distances = [np.linalg.norm(one - other) for one, other in itertools.combinations(lab, 2)]
    assert min(distances) > 12  # 2.3 is just noticeable; the outline of `undecided` comes on top


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_verdicts_differ_in_greyscale(theme: str) -> None:
    palette = style.VERDICTS if theme == "light" else {name: style.DARK[name] for name in style.VERDICTS}
    lightness = sorted(colours.cielab(seen(colour, SEEN_AS["all cones"]))[0] for colour in palette.values())
    assert min(np.diff(lightness)) > 10


def seen(colour: str, matrix: list[list[float]]) -> np.ndarray:
    encoded = np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(matrix) @ linear, 0, 1)
    back = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (back * 255).round().astype(np.uint8)


def test_cielab_of_white_black_and_red() -> None:
    found = colours.cielab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], dtype=np.uint8))
    np.testing.assert_allclose(found, [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]], atol=0.05)  # matrix of 4 digits


def test_classes_keep_familiar_colours_and_all_differ() -> None:
    names = ["-", "sky", "grass", "person", *(f"thing {number}" for number in range(40))]
    found = colours.class_colours(names)
    assert colours.hex_colour(found["sky"]) == colours.FAMILIAR["sky"]
    assert len(set(found.values())) == len(names)
    assert found == colours.class_colours(names)


def test_label_picture_has_the_colour_of_each_class() -> None:
    labels = np.array([[0, 2], [2, 300]], dtype=np.uint16)
    classes = [f"c{number}" for number in range(301)]
    palette = {name: (number % 256, number // 256, 7) for number, name in enumerate(classes)}
    picture = np.asarray(segmentations.label_picture(labels, classes, palette).convert("RGB"))
    assert picture.tolist() == [[[0, 0, 7], [2, 0, 7]], [[2, 0, 7], [44, 1, 7]]]


def test_lost_region_stays_and_the_rest_fades() -> None:
    photo = np.full((9, 9, 3), 40, dtype=np.uint8)
    lost = np.zeros((9, 9), dtype=bool)
    lost[3:6, 3:6] = True
    picture = np.asarray(segmentations.lost_picture(photo, lost))
    assert (picture[3:6, 3:6] == 40).all()
    assert (picture[0] > 180).all()
    assert tuple(picture[2, 4]) == segmentations.EDGE


def test_outline_runs_around_a_fence_and_not_between_its_boards() -> None:
    fence = np.zeros((9, 15), dtype=bool)
    fence[3:6, 3:12:2] = True
    found = segmentations.outline(fence)
    assert found[2:7, 2:13].sum() == found.sum() == 2 * 11 + 2 * 3
    assert not found[3:6, 3:12].any()


def test_outline_laid_over_a_photo_is_see_through_and_as_thick_as_the_photo_is_large() -> None:
    for side, thickness in ((64, 1), (256, 3)):
        lost_HW = np.zeros((side, side), bool)
        lost_HW[20:40, 20:40] = True
        line_HW4 = np.asarray(segmentations.outline_picture(lost_HW).convert("RGBA"))
        drawn_HW = line_HW4[..., 3] > 0
        assert drawn_HW[30].sum() == 2 * thickness
        assert not drawn_HW[30, 30] and not drawn_HW[0].any()


def test_nothing_lost_has_no_outline() -> None:
    assert not segmentations.outline(np.zeros((4, 4), dtype=bool)).any()


def test_sheet_holds_image_k_at_its_place() -> None:
    images = np.stack([np.full((4, 4, 3), number, dtype=np.uint8) for number in range(10)])
    picture = sheets.sheet(images, columns=4)
    step = 4 + sheets.GAP
    assert picture.size == (4 * step - sheets.GAP, 3 * step - sheets.GAP)
    assert picture.getpixel((1 * step, 2 * step)) == (9, 9, 9, 255)
    assert picture.getpixel((3 * step, 2 * step))[3] == 0  # no image 11


def test_sheet_of_large_images_is_shrunk() -> None:
    picture = sheets.sheet(np.zeros((64, 300, 300, 3), dtype=np.uint8))
    assert max(picture.size) <= sheets.MOST_PX + 7 * sheets.GAP


def test_names_in_figures_are_text_and_nothing_else(hostile_svg: str) -> None:
    root = ElementTree.fromstring(hostile_svg)
    names = {element.tag.split("}")[1] for element in root.iter()}
    assert "script" not in names
    assert HOSTILE in {element.text for element in root.iter() if element.tag.endswith("text")}
    assert root.get("aria-label") == HOSTILE


def test_figures_take_their_colours_from_the_page(hostile_svg: str) -> None:
    assert f"var(--omitted, {style.VERDICTS['omitted']})" in hostile_svg
    assert f"var(--ink, {style.INK['ink']})" in hostile_svg
    assert "<metadata" not in hostile_svg


def test_a_class_that_is_never_drawn_is_marked_as_zero(hostile_svg: str) -> None:
    root = ElementTree.fromstring(hostile_svg)
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert texts.count("0") == 3  # person, sun, and the axis of differences


def test_a_bar_beyond_the_axis_says_its_value() -> None:
    text = style.inline_svg(bars.distribution_rows([bar("sun", 1.0, 9.0, "excess")], "a", "b"), "")
    assert "+800 %" in text


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for kind in ("svg", "pdf"):
        for name in ("a", "b"):
            style.save(curves.training({"loss": ([1, 2, 3], [3.0, 2.0, 1.0])}, "step"), tmp_path / f"{name}.{kind}")
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_strips_name_each_class_once() -> None:
    picture = Image.new("RGB", (8, 8))
    figure = inversions.strips([[picture] * 5] * 2, [HOSTILE, "b"], {HOSTILE: (1, 2, 3), "sky": (4, 5, 6)})
    texts = [element.text for element in svg(figure).iter() if element.tag.endswith("text")]
    assert texts.count("sky") == 1
    assert texts.count(HOSTILE) == 2  # caption and legend


def test_sparkline_falls_with_the_loss_and_skips_what_is_not_there() -> None:
    path = curves.sparkline([math.e**2, math.e, 1.0, math.nan], width=10, height=4)
    assert path == "M0.0 0.0 L5.0 2.0 L10.0 4.0"
    assert curves.sparkline([math.nan, 1.0]) == ""


def test_small_pictures_are_embedded_without_loss() -> None:
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    kind, _, data = embed.data_address(image).partition(";base64,")
    assert kind == "data:image/webp"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) == image).all()


def test_names_of_classes_do_not_lie_on_each_other() -> None:
    x, y = np.array([10.0, 12.0, 90.0, 11.0]), np.array([50.0, 49.0, 50.0, 20.0])
    shifts = conditional.downwards(x, y, ["lighthouse", "barn", "house", "temple"])
    assert shifts == [0.0, 1.0 - conditional.LABEL_PT[1], 0.0, 0.0]
