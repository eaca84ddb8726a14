"""SIGTERM in a loop that can resume: the step in progress is finished, so that the saved state is a whole one."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_termination() -> Iterator[Callable[[], bool]]:
    """Hold SIGTERM back; the function that is yielded says whether it has arrived."""
    arrived = False

    def note(signum: int, frame: FrameType | None) -> None:
        nonlocal arrived
        arrived = True

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: arrived
    finally:
        signal.signal(signal.SIGTERM, before)
