"""Run every benchmark: `python -m benchmarks`."""

from benchmarks import stages, statistics

stages.main()
statistics.main()
