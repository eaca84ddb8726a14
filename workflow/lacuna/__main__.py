"""The command line: `lacuna run` is the workflow in this folder, `lacuna doctor` says whether all of it works here."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lacuna import own
from lacuna.front import doctor

USAGE = """\
lacuna run [WORDS OF SNAKEMAKE]   the workflow on config.yaml of this folder, or on the embedded default; such as
                                  lacuna run --cores 4 --configfile mine.yaml
lacuna doctor                     what works here, and what to do about the rest
lacuna where                      folder of the Snakefile, config.yaml and experiments"""


def main(words: Sequence[str] | None = None) -> int:
    """Exit status of the command that the words name."""
    command, *rest = [*(sys.argv[1:] if words is None else words), "help"]
    if command == "run":
        return run(rest[:-1])
    if command == "doctor":
        return doctor.main()
    if command == "where":
        print(own.ROOT)
        return 0
    print(USAGE)
    return 0 if command in ("help", "--help", "-h") else 2


def run(words: Sequence[str]) -> int:
    """Snakemake of this environment on our Snakefile, and jobs by this environment's Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(own.SNAKEFILE)]
    return subprocess.run([*snakemake, *words], env=os.environ | {"PATH": path}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
