"""Loops that can resume: when they save their state, and that SIGTERM and Ctrl-C let the step in progress be finished.

Nothing here changes what is computed.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
SAVE_S = "LACUNA_SAVE_S"  # seconds between two saved states, where they are not these:
USUAL_SAVE_S = 300.0


class Clock:
    """Whether a state is due: called, it says so once in every so many seconds."""

    def __init__(self) -> None:
        self.every_s = float(os.environ.get(SAVE_S, USUAL_SAVE_S))
        self.last = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self.last < self.every_s:
            return False
        self.last = now
        return True


@contextmanager
def deferred_termination() -> Iterator[Callable[[], bool]]:
    """Hold SIGTERM and SIGINT back; the function that is yielded says whether one has arrived.

    A second SIGINT ends the process at once: Ctrl-C twice is an impatient user.
    """
    arrived = False

    def note(signum: int, frame: FrameType | None) -> None:
        nonlocal arrived
        if arrived and signum == signal.SIGINT:
            raise KeyboardInterrupt
        arrived = True

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield lambda: arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
