"""Run every benchmark: `python -m benchmarks`."""

from benchmarks import conditional, inversion, segmenter, stages, statistics

stages.main()
segmenter.main()
inversion.main()
statistics.main()
conditional.main()
