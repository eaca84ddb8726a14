"""The six methods of the paper's comparison: where each starts and what it may move.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 4.3 (a to f).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A way to invert.

    encoder: part whose z is the start; None for a random start.
    moves: what is optimised from there: `nothing`, `z`, or `residuals` of the layers that the settings name.
    """

    encoder: str | None
    moves: str


METHODS = {
    "z": Method(None, "z"),
    "direct": Method("direct", "nothing"),
    "direct_z": Method("direct", "z"),
    "layered": Method("encoder", "nothing"),
    "layered_z": Method("encoder", "z"),
    "layered_r": Method("encoder", "residuals"),
}
