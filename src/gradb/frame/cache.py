"""Small caches with a bound: the newest answers are kept, the longest unused one is dropped.

``Cache`` keeps what can never be another; ``History`` what a growing tape adds to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """Remembers what ``make`` returned, for the ``size`` most recently used keys."""

    __slots__ = ("_items", "_make", "size")

    def __init__(self, make: Callable[[Key], Value], size: int) -> None:
        self._make = make
        self._items: OrderedDict[Key, Value] = OrderedDict()
        self.size = size

    def __call__(self, key: Key) -> Value:
        """Return the value for ``key``, made now or earlier; what ``make`` raises is not remembered."""
        items = self._items
        if key in items:
            items.move_to_end(key)
            return items[key]
        value = items[key] = self._make(key)
        if len(items) > self.size:
            items.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._items)

    def drop(self, key: Key) -> None:
        """Forget one key."""
        self._items.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()


class History(Generic[Key, Value]):
    """Remembers all that a tape says of a key, for positions of which it will never say more.

    Args:
        read: returns all rows of a key.
        seen: returns the head of the tape as it was last looked up.
        size: keys that are kept.
    """

    __slots__ = ("_items", "_seen")

    def __init__(self, read: Callable[[Key], Value], seen: Callable[[], int], size: int) -> None:
        self._seen = seen
        self._items = Cache[Key, tuple[int, Value]](lambda key: (seen(), read(key)), size)

    def __call__(self, key: Key, position: int) -> Value:
        """Return the rows of a key, read when the tape went on beyond a position, or just now.

        Of the newest event rows may still be to come: at the head nothing is kept.
        """
        until, value = self._items(key)
        if position < until:
            return value
        self._items.drop(key)
        return self._items(key)[1]
