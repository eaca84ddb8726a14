"""A run that did not succeed ends by saying who failed, why, and where to look: one line per reason."""

from pathlib import Path

from lacuna.planning.failures import LONGEST, MOST_LINES, Failure, last_line, summary

SLURM = "SLURM-job '12' failed, SLURM status is: '{}'. Detailed failure reason unavailable."


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_mistake_is_the_last_line_of_its_log(tmp_path: Path) -> None:
    log = written(
        tmp_path / "a.log", "10:00:00 segment: begun\nsegment: a.h5: found 3 images, expected 4; sample anew\n"
    )
    first, line, last = summary([Failure("segment_shard", log, 3, SLURM.format("FAILED"))])
    assert first.startswith("Failed for good: 1 job.")
    assert line == f"  segment_shard: segment: a.h5: found 3 images, expected 4; sample anew [{log}, 3 attempts]"
    assert "the same command goes on" in last


def test_what_slurm_says_names_what_gives_the_next_attempt_more(tmp_path: Path) -> None:
    log = written(tmp_path / "a.log", "gan: 10%|#   | 1/10\rgan: 90%|### | 9/10\n\n")
    assert last_line(log) == "gan: 90%|### | 9/10"
    _, line, _ = summary([Failure("train_generator_weights", log, 3, SLURM.format("TIMEOUT"))])
    assert (
        "SLURM says TIMEOUT; gan: 90%|### | 9/10; more time: --set-resources train_generator_weights:runtime=" in line
    )
    _, line, _ = summary([Failure("invert_shard", tmp_path / "none", 1, SLURM.format("OUT_OF_MEMORY"))])
    assert "SLURM says OUT_OF_MEMORY; more memory: --set-resources invert_shard:mem_mb=" in line


def test_a_job_that_never_began_says_what_the_scheduler_said(tmp_path: Path) -> None:
    failures = [Failure("fsd_pair", tmp_path / "none", 1, "sbatch failed:\n no such partition"), Failure("x", None, 1)]
    _, one, other, _ = summary(failures)
    assert one.startswith("  fsd_pair: sbatch failed: no such partition [")
    assert other == "  x: nothing said why [no log]"


def test_a_thousand_shards_with_one_reason_take_one_line_and_many_reasons_few(tmp_path: Path) -> None:
    logs = [written(tmp_path / f"{number:03}.log", "sample: disk full\n") for number in range(5)]
    lines = list(summary([Failure("sample_shard", log, 1) for log in logs]))
    assert lines[1] == f"  sample_shard: sample: disk full [{logs[0]}, and 4 jobs more]" and len(lines) == 3
    different = [Failure(f"rule{number:02}", None, 1, str(number)) for number in range(MOST_LINES + 3)]
    lines = list(summary(different))
    assert len(lines) == MOST_LINES + 3 and "and 3 reasons more" in lines[-2]


def test_of_a_long_reason_both_ends_are_kept(tmp_path: Path) -> None:
    log = written(tmp_path / "a.log", f"fetch: net.pth: no mirror gave it ({'http://mirror/ ' * 60}); put it there\n")
    said = last_line(log)
    assert len(said) <= LONGEST
    assert said.startswith("fetch: net.pth: no mirror gave it") and said.endswith("; put it there")
