"""Run every benchmark: `python -m benchmarks`."""

from benchmarks import segmenter, stages, statistics

stages.main()
segmenter.main()
statistics.main()
