"""Run every benchmark: `python -m benchmarks`. Each is a process of its own, so that no memory is counted twice."""

import subprocess
import sys

for name in ("stages", "segmenter", "regions", "inversion", "statistics", "conditional", "diffusion", "foreign"):
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
