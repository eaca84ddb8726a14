"""The frame around every `main`: one line and exit 1 for a user's mistake, a traceback for a bug."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run_stage(body: str) -> subprocess.CompletedProcess[str]:
    indented = textwrap.indent(body, "    ")
    imports = "from lacuna.runtime import command\nfrom lacuna.errors import UserError\n"
    script = f"{imports}def main(argv):\n{indented}\ncommand.run('stage', main)"
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "workflow", capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("kind", ["UserError", "OSError", "FileNotFoundError"])
def test_a_users_mistake_is_one_line_and_exit_1(kind: str) -> None:
    done = run_stage(f"raise {kind}('a.h5: found 2,\\nexpected 3')")
    assert done.returncode == 1
    assert done.stderr == "stage: a.h5: found 2, expected 3\n"


@pytest.mark.parametrize("kind", ["ValueError", "RuntimeError", "KeyError"])
def test_a_bug_shows_its_traceback(kind: str) -> None:
    done = run_stage(f"raise {kind}('x')")
    assert done.returncode == 1 and "Traceback" in done.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_stage_after_it_has_saved(name: str) -> None:
    body = f"""
    import os, signal
    from lacuna.runtime.interruption import deferred_termination
    try:
        with deferred_termination() as terminated:
            os.kill(os.getpid(), signal.{name})
            if terminated():
                raise command.Terminated
    except command.Terminated:
        print("saved")
        raise
    """
    done = run_stage(textwrap.dedent(body))
    assert done.stdout == "saved\n" and done.returncode == 1
    assert done.stderr == "stage: terminated by SIGTERM or Ctrl-C; run the same command again to continue\n"
