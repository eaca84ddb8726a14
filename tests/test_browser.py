"""The report in a real browser: nothing goes wrong, nothing is fetched, and what can be clicked works.

Screenshots for people lie in the folder that LACUNA_SCREENSHOTS names, else in pytest's own.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest
import report_results

from lacuna import report

pytestmark = pytest.mark.browser
SECTIONS = ("findings", "distribution", "instances", "training", "run")
ROWS = "[...document.querySelectorAll('{table} tbody tr')].filter(row => !row.hidden)"
ORDER = ROWS + ".map(row => row.cells[{cell}].textContent)"
CLASSES = "#distribution .sortable"


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    program = chromium.find()
    if program is None:
        pytest.skip("no Chromium on this machine; `make system` installs it")
    with chromium.Browser(program) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    results = report_results.build(folder)
    flags = ["--results", str(results), "--html", str(folder / "index.html"), "--code", "c0de"]
    report.main(["--settings", json.dumps(report_results.config()), *flags])
    return folder / "index.html"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("LACUNA_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def opened(browser: chromium.Browser, page: Path) -> Iterator[chromium.Browser]:
    """The page freshly loaded; afterwards there must have been no error and no request but for itself."""
    browser.errors.clear()
    browser.requests.clear()
    browser.open(page)
    yield browser
    assert browser.errors == []
    assert {address for address in browser.requests if not address.startswith("data:")} == {page.resolve().as_uri()}


def column(browser: chromium.Browser, cell: int, table: str = CLASSES) -> list[Any]:
    return list(browser.run(ORDER.format(table=table, cell=cell)))


def click(browser: chromium.Browser, selector: str) -> None:
    browser.run(f"document.querySelector({json.dumps(selector)}).click()")


def write(browser: chromium.Browser, selector: str, value: str, event: str) -> None:
    element = f"document.querySelector({json.dumps(selector)})"
    browser.run(f"{element}.value = {json.dumps(value)}; {element}.dispatchEvent(new Event('{event}'))")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1400, 1920])
def test_page_fits_every_width(browser: chromium.Browser, page: Path, pictures: Path, width: int, theme: str) -> None:
    browser.open(page, width, dark=theme == "dark", phone=width < 500)
    assert browser.run("document.documentElement.scrollWidth") <= width
    for section in SECTIONS if width in (360, 1400) else ():
        browser.screenshot(pictures / f"{section}-{width}-{theme}.png", f"#{section}")


def test_page_opens_at_once_and_quietly(opened: chromium.Browser) -> None:
    assert opened.run("document.readyState") == "complete"
    assert opened.run("[...document.images].filter(i => i.complete && i.src).every(i => i.naturalWidth > 0)")


def test_table_sorts_both_ways(opened: chromium.Browser) -> None:
    first = column(opened, 0)
    click(opened, f"{CLASSES} thead th:nth-child(5) button")
    values = opened.run(
        f"[...document.querySelectorAll('{CLASSES} tbody tr')].map(row => Number(row.cells[4].dataset.value))"
    )
    assert values == sorted(values, reverse=True)
    click(opened, f"{CLASSES} thead th:nth-child(5) button")
    assert column(opened, 0)[0] == "person"
    click(opened, f"{CLASSES} thead th:nth-child(1) button")
    assert column(opened, 0) == sorted(first)
    assert opened.run(f"document.querySelectorAll('{CLASSES} th[aria-sort]').length") == 1


def test_table_filters_by_name_and_verdict(opened: chromium.Browser) -> None:
    everything = column(opened, 0)
    write(opened, "input.filter", "omitted", "input")
    assert column(opened, 0) == ["person"]
    assert opened.run("document.querySelector('#distribution .shown').textContent") == f"1 of {len(everything)} classes"
    write(opened, "input.filter", "", "input")
    assert column(opened, 0) == everything


def test_gallery_shows_the_photos_that_lose_a_class(opened: chromium.Browser) -> None:
    write(opened, "select.lose", "person", "change")
    shown = "[...document.querySelectorAll('.inversion:not(.floor) .row')].filter(row => !row.hidden)"
    lost = opened.run(f"{shown}.map(row => JSON.parse(row.dataset.lost))")
    assert lost
    assert all("person" in names for names in lost)


def test_a_class_of_the_table_picks_its_photos(opened: chromium.Browser) -> None:
    click(opened, ".inversion:not(.floor) .pick[data-class=person]")
    assert opened.run("document.querySelector('select.lose').value") == "person"
    shown = opened.run("[...document.querySelectorAll('.inversion:not(.floor) .row')].filter(r => !r.hidden).length")
    assert 0 < shown < report_results.INVERTED


def test_gallery_is_ordered_as_asked(opened: chromium.Browser) -> None:
    write(opened, "select.order", "index", "change")
    first = "[...document.querySelector('.inversion:not(.floor) .gallery').querySelectorAll('.row')]"
    indices = opened.run(f"{first}.map(row => Number(row.dataset.index))")
    assert indices == sorted(indices)


def test_the_pair_of_the_first_screen_opens_enlarged(opened: chromium.Browser) -> None:
    click(opened, "#findings .opens")
    assert opened.run("document.querySelector('dialog').open")
    address = opened.run("document.querySelector('#findings .pair img').src")
    assert opened.run("document.querySelector('.wipe .over').src") == address


def test_slider_wipes_and_keys_reach_everything(opened: chromium.Browser, pictures: Path) -> None:
    opened.run("document.querySelector('.five .open').focus()")
    opened.press("Enter")
    assert opened.run("document.querySelector('dialog').open")
    opened.press("ArrowRight")
    assert opened.run("document.querySelector('.wipe').style.getPropertyValue('--at')") == "51%"
    before = opened.run("document.querySelector('.wipe .over').src")
    assert before == opened.run("document.querySelector('.row img.photo').src")
    opened.window(pictures / "compare-1400-light.png")
    opened.press("PageDown")
    assert opened.run("document.querySelector('.wipe .over').src") != before
    opened.press("Escape")
    assert not opened.run("document.querySelector('dialog').open")


def test_theme_can_be_chosen(opened: chromium.Browser) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = opened.run(paper)
    click(opened, ".theme")
    assert opened.run(paper) == light
    click(opened, ".theme")
    assert opened.run(paper) != light
    click(opened, ".theme")
    assert opened.run(paper) == light


def test_the_noise_floor_is_folded_away_but_there(opened: chromium.Browser) -> None:
    assert opened.run("document.querySelector('.floor details.gallery-fold').open") is False
    assert opened.run("document.querySelectorAll('.floor .row').length") == report_results.INVERTED


def test_page_can_be_printed(opened: chromium.Browser) -> None:
    assert len(opened.call("Page.printToPDF")["data"]) > 10_000
