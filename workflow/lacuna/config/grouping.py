"""Which images of a source belong together: ten photos of one person are not ten independent images.

Shape suffixes: N images.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError

PARENT = "parent"


def group_of(name: str, rule: str) -> str:
    """The group of an image, from its name in the source.

    Args:
        rule: `parent` for the name of the folder that it is in, else a regular expression with one group.

    Raises:
        UserError: the expression is not found in the name.
    """
    if rule == PARENT:
        return name.rpartition("/")[0].rpartition("/")[2]
    found = re.search(rule, name)
    if found is None or found[1] is None:
        raise UserError(
            f"image {name!r} is not matched by groups: {rule}, expected a match in every image's name; correct the "
            "source's groups"
        )
    return found[1]


def group_codes(names: Sequence[str], rule: str) -> NDArray[np.uint64]:
    """A code of each image's group, (N,): a hash of the group's name, so that shards need not know of each other."""
    texts = (group_of(name, rule).encode(errors="surrogateescape") for name in names)
    digests = [blake2b(text, digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def problem(rule: str) -> str:
    """What is wrong with a rule; empty where nothing is."""
    if rule == PARENT:
        return ""
    try:
        groups = re.compile(rule).groups
    except re.error as error:
        return f"found {rule!r}, no regular expression ({error}); expected `{PARENT}` or one with one group"
    return "" if groups == 1 else f"found {rule!r} with {groups} groups, expected `{PARENT}` or an expression with one"
