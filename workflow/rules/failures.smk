# The last lines of a run that did not succeed: who failed, why, and where to look. No rule.
import logging

from lacuna.planning.failures import Failure, last_line, summary

SAID = {}  # number of a job -> what its executor said when it failed last


class Listener(logging.Handler):
    """Notes what an executor says of jobs that fail."""

    def emit(self, record):
        if getattr(record, "rule_msg", None):
            SAID[record.jobid] = record.rule_msg


logger.addHandler(Listener())


def failures(failed):
    """Jobs that have failed for good; of a group those that said something, or all where none did."""
    for job in failed:
        without_result = [
            one
            for one in (job.jobs if job.is_group() else [job])
            if not all(Path(path).exists() for path in one.output)
        ]
        said = [one for one in without_result if any(map(last_line, map(Path, one.log)))]
        for one in said or without_result:
            yield Failure(one.rule.name, next(map(Path, one.log), None), job.attempt, SAID.get(one.jobid, ""))


onerror:
    if workflow.scheduler.failed:  # none where the user has ended the run
        for line in summary(failures(workflow.scheduler.failed)):
            logger.error(line)
