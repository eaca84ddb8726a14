"""Run every benchmark: `python -m benchmarks`."""

from benchmarks import inversion, segmenter, stages, statistics

stages.main()
segmenter.main()
inversion.main()
statistics.main()
