"""Arguments that are too long for a command line come by file."""

import argparse
from pathlib import Path

import pytest

from lacuna.runtime import arguments, command


def parsed(*words: str) -> list[str]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", nargs="*", action=arguments.FileNames)
    return list(parser.parse_args(["--images", *words]).images)


def test_a_short_text_is_itself_and_a_long_one_a_file_that_equal_texts_share(tmp_path: Path) -> None:
    assert arguments.argument("short", tmp_path) == "short" and not list(tmp_path.iterdir())
    words = [arguments.argument("x" * 40_000, tmp_path) for _ in range(2)]
    assert words[0] == words[1] and len(list(tmp_path.iterdir())) == 1
    assert arguments.text_of(words[0]) == "x" * 40_000


def test_names_come_as_words_or_by_file(tmp_path: Path) -> None:
    names = [f"results/render/a b/{start}.h5" for start in range(2000)]
    word = arguments.argument("\n".join(names), tmp_path)
    assert word.startswith("@") and parsed(word) == names
    assert parsed("a.h5", "b c.h5") == ["a.h5", "b c.h5"] and parsed() == []


def test_settings_come_as_json_or_by_file(tmp_path: Path) -> None:
    word = arguments.argument('{"a": "' + "x" * 40_000 + '"}', tmp_path)
    assert command.json_object(word) == {"a": "x" * 40_000}
    assert command.json_object('{"a": 1}') == {"a": 1}
    with pytest.raises(argparse.ArgumentTypeError, match="not JSON"):
        command.json_object("{")
