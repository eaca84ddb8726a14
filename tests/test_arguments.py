"""Arguments that are too long for a command line come by file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from lacuna.errors import UserError
from lacuna.runtime import arguments, command


class Job(command.Job):
    """What a stage of these tests is told."""

    images: list[str] = Field(default_factory=list)
    settings: dict[str, Any] = Field(default_factory=dict)
    count: int = 3


def parsed(*words: str) -> Job:
    return command.job("test", Job, None, ["--code", "c", *words])


def test_a_short_text_is_itself_and_a_long_one_a_file_that_equal_texts_share(tmp_path: Path) -> None:
    assert arguments.argument("short", tmp_path) == "short" and not list(tmp_path.iterdir())
    words = [arguments.argument("x" * 40_000, tmp_path) for _ in range(2)]
    assert words[0] == words[1] and len(list(tmp_path.iterdir())) == 1
    assert (tmp_path / words[0].removeprefix(f"@{tmp_path}/")).read_text() == "x" * 40_000


def test_names_come_as_words_or_by_file(tmp_path: Path) -> None:
    names = [f"results/render/a b/{start}.h5" for start in range(2000)]
    word = arguments.argument("\n".join(names), tmp_path)
    assert word.startswith("@") and parsed("--images", word).images == names
    assert parsed("--images", "a.h5", "b c.h5").images == ["a.h5", "b c.h5"] and parsed("--images").images == []


def test_a_job_comes_as_json_or_by_file_and_flags_go_over_it(tmp_path: Path) -> None:
    text = json.dumps({"images": ["x.h5"] * 40_000, "settings": {"a": 1}, "count": 7})
    word = arguments.argument(text, tmp_path)
    for given in (text, word, word.removeprefix("@")):
        found = parsed("--job", given, "--count", "8")
        assert (len(found.images), found.settings, found.count) == (40_000, {"a": 1}, 8)
    assert parsed("--settings", '{"b": [2]}').settings == {"b": [2]}


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("--job", '{"cuont": 3}'), "found unknown key 'cuont', expected one of: code, count, images, settings"),
        (("--count", "many"), "count: found 'many', expected a valid integer"),
        (("--job", '{"images": "a.h5"}'), "images: found 'a.h5', expected a valid list"),
    ],
)
def test_what_a_stage_cannot_be_told_is_one_line(words: tuple[str, ...], wrong: str) -> None:
    with pytest.raises(UserError, match=re.escape(wrong)):
        parsed(*words)


def test_no_json_is_an_error_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--job", "{")
    assert "not JSON" in capsys.readouterr().err
