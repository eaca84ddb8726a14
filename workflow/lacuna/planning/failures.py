"""The last lines of a run that did not succeed: one for each reason, saying who failed, why, and where to look."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MOST_LINES = 10
LONGEST = 400  # letters of a reason
# What SLURM says of a job, and what gives the next attempt more; {rule} is the job's rule.
REMEDIES = {
    "TIMEOUT": "more time: --set-resources {rule}:runtime=MINUTES",
    "OUT_OF_MEMORY": "more memory: --set-resources {rule}:mem_mb=MEGABYTES",
}


@dataclass(frozen=True)
class Failure:
    """A job that has failed for good.

    Attributes:
        rule: the working rule.
        log: its log file, if the rule has one.
        attempts: how often it was tried.
        message: what the scheduler said of the last attempt; empty for a local job.
    """

    rule: str
    log: Path | None
    attempts: int
    message: str = ""

    def reason(self) -> str:
        """The last line of the log, SLURM's word and what helps; what the scheduler said where the log is empty."""
        state = next((name for name in REMEDIES if f"'{name}'" in self.message), "")
        words = [last_line(self.log) if self.log else "", REMEDIES.get(state, "").format(rule=self.rule)]
        said = "; ".join([*([f"SLURM says {state}"] if state else []), *(word for word in words if word)])
        return said or shortened(" ".join(self.message.split())) or "nothing said why"


def last_line(log: Path) -> str:
    """What a job said last; a progress line that was redrawn counts as it was drawn last."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shortened(lines[-1]) if lines else ""


def shortened(text: str) -> str:
    """The text, or its two ends: it begins with what is wrong and ends with what to do."""
    half = (LONGEST - 5) // 2
    return text if len(text) <= LONGEST else f"{text[:half]} ... {text[-half:]}"


def summary(failures: Iterable[Failure]) -> Iterator[str]:
    """Lines that end a run: jobs of one rule and one reason share a line, which names the log of the first."""
    alike: dict[tuple[str, str], list[Failure]] = {}
    for failure in sorted(failures, key=lambda one: (one.rule, str(one.log))):
        alike.setdefault((failure.rule, failure.reason()), []).append(failure)
    yield f"Failed for good: {_jobs(sum(map(len, alike.values())))}. Each rule, what it says, and its log:"
    for (rule, reason), group in list(alike.items())[:MOST_LINES]:
        first = group[0]
        tried = f", {first.attempts} attempts" if first.attempts > 1 else ""
        others = f", and {_jobs(len(group) - 1)} more" if len(group) > 1 else ""
        yield f"  {rule}: {reason} [{first.log or 'no log'}{others}{tried}]"
    if len(alike) > MOST_LINES:
        yield f"  and {len(alike) - MOST_LINES} reasons more; see the logs above"
    yield "When that is put right, the same command goes on; nothing that is finished is computed again."


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
