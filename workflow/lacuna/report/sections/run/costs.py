"""What the jobs of each stage took, so that less can be asked for next time."""

from collections.abc import Iterable
from dataclasses import dataclass

from lacuna.report.words import duration


@dataclass(frozen=True)
class StageCost:
    """What the jobs of one stage took; memory is that of the largest job."""

    stage: str
    jobs: int
    runtime_s: float
    longest_s: float
    cpu_s: float
    memory_mb: float
    gpu_mb: float
    images: float

    @property
    def runtime(self) -> str:
        """Time of all jobs, for people."""
        return duration(self.runtime_s)

    @property
    def longest(self) -> str:
        """Time of the longest job, for people."""
        return duration(self.longest_s)

    @property
    def cpu(self) -> str:
        """CPU time of all jobs, for people."""
        return duration(self.cpu_s)

    @property
    def images_per_s(self) -> float:
        """Images of all jobs by their time; 0 for a stage whose jobs are not made of images."""
        return self.images / self.runtime_s if self.runtime_s else 0.0


def costs(benchmarks: Iterable[tuple[str, dict[str, str]]]) -> list[StageCost]:
    """Sum the jobs of each stage; longest stage first."""
    jobs: dict[str, list[dict[str, str]]] = {}
    for stage, row in benchmarks:
        jobs.setdefault(stage, []).append(row)
    found = []
    for stage, rows in jobs.items():
        columns = ("s", "cpu_time", "max_rss", "gpu_mb", "images")
        seconds, cpu, memory, gpu, images = ([_float(row.get(column)) for row in rows] for column in columns)
        cost = StageCost(stage, len(rows), sum(seconds), max(seconds), sum(cpu), max(memory), max(gpu), sum(images))
        found.append(cost)
    return sorted(found, key=lambda cost: -cost.runtime_s)


def _float(text: str | None) -> float:
    """A figure of a benchmark file; Snakemake writes NA or - where a job was too short to be measured."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
