"""Puts a function of ours in the place of one of torch's, so that the script can do the same after us.

No hook of ours is registered anywhere in torch: Dynamo, export and the script would find it there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """Put ``make(original)`` in the place of ``owner.name``, as long as the context lasts.

    What the script puts there meanwhile stays.
    """
    original = vars(owner)[name]
    ours = make(original)
    setattr(owner, name, ours)
    try:
        yield
    finally:
        if vars(owner).get(name) is ours:
            setattr(owner, name, original)
