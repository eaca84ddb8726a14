"""What the docs say is so: commands can be planned, links lead somewhere, the configuration's page is the schema's."""

import ast
import re
import shlex
from pathlib import Path

import autoencoder_files
import pytest
import toy
from PIL import Image

from lacuna.config import documentation
from lacuna.metrics.documentation import numbers_page
from lacuna.report.formats import formats_page

PAGES = [toy.ROOT / "README.md", *sorted((toy.ROOT / "docs").glob("*.md"))]
GAP = "…"  # stands for a value in a line of the page on troubleshooting
# A command alone on a line of a code block, or alone between backquotes; what follows # is the reader's.
COMMAND = re.compile(r"^    ((?:snakemake|make) ?[^#\n]*)|`((?:snakemake|make)(?: [^`\n]*)?)`", re.MULTILINE)


def commands(tool: str) -> list[str]:
    """All commands of the docs that begin with `tool`, once each."""
    found = ["".join(match).strip() for page in PAGES for match in COMMAND.findall(page.read_text(encoding="utf-8"))]
    return sorted({command for command in found if command.split()[0] == tool})


def is_a_run(command: str) -> bool:
    """Whether it can be planned: no sketch with a gap, nothing about locks or finished runs, nothing for conda."""
    return not any(word in command for word in ("...", "<", "--unlock", "--report", "conda"))


def test_the_page_on_the_configuration_is_what_the_models_say() -> None:
    page = (toy.ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == documentation.page(), "run `make docs`"
    schema = toy.ROOT / "workflow" / "schemas" / "config.schema.json"
    assert schema.read_text(encoding="utf-8") == documentation.schema(), "run `make docs`"


def test_the_page_on_the_formats_is_what_their_modules_say() -> None:
    assert (toy.ROOT / "docs" / "formats.md").read_text(encoding="utf-8") == formats_page(), "run `make docs`"


def test_the_page_on_the_numbers_is_what_the_columns_say() -> None:
    assert (toy.ROOT / "docs" / "numbers.md").read_text(encoding="utf-8") == numbers_page(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def said() -> list[str]:
    """Every text of the code, with a gap where a value goes in."""
    texts = []
    for path in (toy.ROOT / "workflow" / "lacuna").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values]
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(re.sub("%[ds]", GAP, node.value))
    return texts


def error_lines() -> list[str]:
    """Lines of the page on troubleshooting that Lacuna itself says."""
    page = (toy.ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    own = page.partition("## Not Lacuna's own")[0]
    return [found for row in re.findall(r"^\| (`.+?`) \|", own, re.MULTILINE) for found in re.findall("`(.+?)`", row)]


def test_errors_on_the_page_are_those_of_the_code() -> None:
    """What stands between the gaps of a line stands so, and in this order, in one text of the code."""
    texts, lines = said(), error_lines()
    assert len(lines) > 30
    patterns = {line: re.compile(".*".join(map(re.escape, line.split(GAP))), re.DOTALL) for line in lines}
    unknown = [line for line, pattern in patterns.items() if not any(map(pattern.search, texts))]
    assert not unknown


@pytest.mark.parametrize("command", commands("make"))
def test_documented_targets_of_make_exist(command: str) -> None:
    targets = re.findall(r"^([a-z]+):", (toy.ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(shlex.split(command)[1:2]) <= set(targets)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone with two folders of images beside it, and one of an autoencoder."""
    folder = toy.copy_repository(tmp_path_factory.mktemp("clone"))
    for name in ("photos", "samples"):
        (folder.parent / name).mkdir()
        for number in range(64):
            Image.new("RGB", (48, 40), (number, 90, 160)).save(folder.parent / name / f"{number}.png")
    autoencoder_files.tiny("AutoencoderKL").save_pretrained(folder.parent / "folder")
    return folder


@pytest.mark.workflow
@pytest.mark.parametrize("command", [command for command in commands("snakemake") if is_a_run(command)])
def test_documented_commands_can_be_planned(clone: Path, command: str) -> None:
    words = [word.replace("/path/to", str(clone.parent)) for word in shlex.split(command)[1:]]
    toy.snakemake(clone, "--dry-run", *words)  # raises where Snakemake does not end well
