"""A bounded random choice that does not depend on the order in which things come, nor on how they are divided.

What is kept of a class are those with the lowest priorities, which follow from what a thing is alone; so the choice of
a whole is that of what its parts have chosen.
"""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class Reservoir(Generic[T]):
    """At most `size` things of each class, those of lowest priority."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: dict[int, list[tuple[int, T]]] = {}  # heaps, the highest priority first

    def wants(self, owner: int, priority: int) -> bool:
        """Whether a thing of this class and priority would be kept."""
        kept = self._kept.get(owner, [])
        return len(kept) < self.size or -priority > kept[0][0]

    def add(self, owner: int, priority: int, thing: T) -> None:
        """Keep it, if it is wanted; no two things of a class may have one priority."""
        if not self.wants(owner, priority):
            return
        kept = self._kept.setdefault(owner, [])
        if len(kept) < self.size:
            heapq.heappush(kept, (-priority, thing))
        else:
            heapq.heapreplace(kept, (-priority, thing))

    def chosen(self) -> list[tuple[int, int, T]]:
        """Class, priority and thing, by class, lowest priority first."""
        return [
            (owner, -negative, thing)
            for owner in sorted(self._kept)
            for negative, thing in sorted(self._kept[owner], key=lambda pair: -pair[0])
        ]
