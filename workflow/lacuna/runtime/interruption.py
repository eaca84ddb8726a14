"""SIGTERM and Ctrl-C in a loop that can resume: the step in progress is finished, so that the saved state is whole."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


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
