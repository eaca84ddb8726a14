"""Every training, by one contract: broken off anywhere it ends as if it had not been, and nothing spoilt is kept."""

import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from training_cases import CASES, Case

from lacuna.errors import UserError
from lacuna.families import trainable
from lacuna.formats.tables import read_tsv
from lacuna.runtime import command, interruption
from lacuna.training import loop
from lacuna.training.loop import Journal

CLOCKS = ("seconds", "images_per_s")
Numbers = dict[str, torch.Tensor]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Path, Path]:
    """A training, what it learns from, and what it leaves undisturbed."""
    found, folder = CASES[request.param], tmp_path_factory.mktemp(request.param)
    source = found.source(folder / "source")
    return found, source, found.run(source, folder / "whole")


def test_every_family_that_can_be_trained_is_here() -> None:
    assert {told["family"] for told in (case.told for case in CASES.values()) if "family" in told} == set(
        trainable("generators")
    )
    stages = {case.train.__name__ for case in CASES.values()}
    assert stages == {"generator", "segmenter", "classifier", "autoencoder", "encoder"}


def test_the_log_has_a_row_of_finite_means_where_it_should(case: tuple[Case, Path, Path]) -> None:
    training, _, whole = case
    rows = logged(training, whole)
    images = [float(row.get("images") or row["step"]) for row in rows]
    assert images == [done * images[-1] / training.rows[-1] for done in training.rows]
    column = "training_loss" if "training_loss" in rows[0] else training.number
    values = [float(row[column]) for row in rows]
    assert all(map(math.isfinite, values[1:])) and math.isfinite(values[0]) == (training.rows[0] > 0)


def test_a_training_that_was_terminated_ends_in_the_same_bytes(
    case: tuple[Case, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again and again: in its first step, at a row of the log, between two rows, and in its last step."""
    training, source, whole = case
    row = next(row for row in training.rows if row > 1)
    for step in sorted({1, row, row + 1, training.steps}):
        stop(training, source, tmp_path, monkeypatch, step)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert not (tmp_path / f"{training.file}.safetensors").exists()
        assert saved(tmp_path)["journal"]["step"] == step
        (tmp_path / f"{training.file}.tsv").unlink(missing_ok=True)  # as Snakemake does with what a job has left
        torch.manual_seed(99)  # nothing may depend on the global generator
    training.run(source, tmp_path)
    assert_equal(training, tmp_path, whole)


def test_a_training_that_was_killed_goes_on_from_its_last_state(
    case: tuple[Case, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, source, whole = case
    steps: list[int] = []
    monkeypatch.setenv(interruption.SAVE_S, "0")
    with monkeypatch.context() as patched:
        after(3, patched, lambda numbers: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            training.run(source, tmp_path)
    assert saved(tmp_path)["journal"]["step"] == 2
    add = Journal.add
    monkeypatch.setattr(Journal, "add", lambda self, numbers: steps.append(self.step) or add(self, numbers))
    training.run(source, tmp_path)
    assert steps == list(range(2, training.steps))
    assert_equal(training, tmp_path, whole)


@pytest.mark.parametrize("terminated", [False, True], ids=["at_a_row", "by_sigterm_between_rows"])
def test_a_number_that_is_not_finite_stops_the_training_and_keeps_the_last_good_state(
    case: tuple[Case, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminated: bool
) -> None:
    training, source, whole = case
    row = next(row for row in training.rows if row > 1)
    stop(training, source, tmp_path, monkeypatch, 1)

    def poisoned(numbers: Numbers) -> Numbers:
        if terminated:
            os.kill(os.getpid(), signal.SIGTERM)
        return numbers | {training.number: torch.tensor(math.inf)}

    with monkeypatch.context() as patched:
        after(2, patched, poisoned)
        step = 2 if terminated else row
        line = rf"training of .* diverged: {training.number} is inf at step {step}, expected a finite number"
        with pytest.raises(UserError, match=line):
            training.run(source, tmp_path)
    assert saved(tmp_path)["journal"]["step"] == 1
    assert not (tmp_path / f"{training.file}.safetensors").exists()
    training.run(source, tmp_path)
    assert_equal(training, tmp_path, whole)


def test_a_weight_that_is_not_finite_is_never_kept(
    case: tuple[Case, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step before a state may spoil the weights while its loss was a number still."""
    training, source, whole = case
    stop(training, source, tmp_path, monkeypatch, 1)
    check = loop.check

    def spoilt(what: loop.Training, journal: Journal) -> None:
        network = next(part for part in what.parts.values() if isinstance(part, torch.nn.Module))
        weight = next(network.parameters())
        weight.data[(0,) * weight.ndim] = math.inf
        check(what, journal)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "check", spoilt)
        with pytest.raises(UserError, match="diverged: a weight is NaN or infinite at step"):
            training.run(source, tmp_path)
    assert saved(tmp_path)["journal"]["step"] == 1
    training.run(source, tmp_path)
    assert_equal(training, tmp_path, whole)


def test_a_state_of_another_key_is_discarded_with_a_line(
    case: tuple[Case, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    training, source, _ = case
    stop(training, source, tmp_path, monkeypatch, 1)
    training.run(source, tmp_path, code="other")
    assert "starting anew" in caplog.text


def test_a_state_that_was_loaded_is_the_state_that_was_saved(
    case: tuple[Case, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, source, _ = case
    stop(training, source, tmp_path, monkeypatch, 3)
    found: list[dict[str, Any]] = []
    resumed = loop.resumed

    def noted(what: loop.Training, *words: Any) -> Journal:
        journal = resumed(what, *words)
        found.append({"journal": vars(journal), "parts": what.state_dict()})
        raise command.Terminated

    monkeypatch.setattr(loop, "resumed", noted)
    with pytest.raises(command.Terminated):
        training.run(source, tmp_path)
    assert_same(saved(tmp_path), found[0])


def test_batches_are_made_ahead_in_order_and_no_further_than_the_last() -> None:
    made: list[int] = []

    def batch(step: int) -> int:
        made.append(step)
        return step

    batches = loop.read_ahead(batch, range(3, 7))
    assert next(batches) == 3
    assert [*batches] == [4, 5, 6] and made == [3, 4, 5, 6]
    assert [*loop.read_ahead(batch, range(7, 7))] == []


def test_an_error_of_a_reader_is_that_of_the_training() -> None:
    with pytest.raises(ZeroDivisionError):
        list(loop.read_ahead(lambda step: 1 // step, range(2)))


def after(step: int, monkeypatch: pytest.MonkeyPatch, act: Callable[[Numbers], Numbers]) -> None:
    """Let something happen to the numbers of the given step, counted from 1, of the next training."""
    add = Journal.add
    monkeypatch.setattr(
        Journal, "add", lambda self, numbers: add(self, act(dict(numbers)) if self.step == step - 1 else numbers)
    )


def stop(training: Case, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Terminate a training in the given step."""
    with monkeypatch.context() as patched:
        after(step, patched, lambda numbers: os.kill(os.getpid(), signal.SIGTERM) or numbers)
        with pytest.raises(command.Terminated):
            training.run(source, out)


def saved(out: Path) -> dict[str, Any]:
    """The training state that a folder holds."""
    (path,) = out.glob("*state.pt")
    found: dict[str, Any] = torch.load(path, weights_only=True)["state"]
    return found


def logged(training: Case, out: Path) -> list[dict[str, str]]:
    """Rows of the log without what is of the clock."""
    rows = read_tsv(out / f"{training.file}.tsv")
    return [{name: text for name, text in row.items() if name not in CLOCKS} for row in rows]


def assert_equal(training: Case, out: Path, whole: Path) -> None:
    """Weights, log, sheets, and the state where one is kept, are those of the undisturbed training."""
    names = [f"{training.file}.safetensors", *(f"sheets/{path.name}" for path in (whole / "sheets").glob("*"))]
    for name in names:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    assert logged(training, out) == logged(training, whole)
    kept = [folder / "state.pt" for folder in (out, whole)]
    assert kept[0].exists() == kept[1].exists() == (training.train.__name__ == "generator")
    if kept[0].exists():
        assert_same(saved(out)["parts"], saved(whole)["parts"])


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, list | tuple):
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other or (one != one and other != other)
