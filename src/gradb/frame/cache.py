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
    """Remembers what ``make`` returned, for the ``size`` most recently used keys.

    Args:
        make: returns the value of a key.
        size: how many are kept.
        weigh: how much a value takes, where some take much.
        most: what all that are kept may weigh; the newest is kept whatever it weighs.
    """

    __slots__ = ("_items", "_make", "_most", "_weigh", "size")

    def __init__(
        self, make: Callable[[Key], Value], size: int, weigh: Callable[[Value], int] | None = None, most: int = 0
    ) -> None:
        self._make = make
        self._weigh, self._most = weigh, most
        self._items: OrderedDict[Key, Value] = OrderedDict()
        self.size = size

    def __call__(self, key: Key) -> Value:
        """Return the value for ``key``, made now or earlier; what ``make`` raises is not remembered."""
        items = self._items
        if key in items:
            items.move_to_end(key)
            return items[key]
        value = self._make(key)
        self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember a value that was made elsewhere."""
        self._items[key] = value
        while len(self._items) > self.size or (len(self._items) > 1 and self._is_heavy()):
            self._items.popitem(last=False)

    def _is_heavy(self) -> bool:
        return self._weigh is not None and sum(map(self._weigh, self._items.values())) > self._most

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)

    def drop(self, key: Key) -> None:
        """Forget one key."""
        self._items.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()


class History(Generic[Key, Value]):
    """Remembers all that a tape says of a key, as long as it says no more.

    Of an event that others follow everything is said; of the newest rows may still be to come.

    Args:
        read: returns all rows of some keys, an entry for each.
        state: returns the head of the tape, and a number that is another once somebody has written to it.
        size: keys that are kept.
    """

    __slots__ = ("_items", "_read", "_state")

    def __init__(
        self, read: Callable[[list[Key]], dict[Key, Value]], state: Callable[[], tuple[int, int]], size: int
    ) -> None:
        self._read, self._state = read, state
        self._items = Cache[Key, tuple[int, int, Value]](self._one, size)

    def _one(self, key: Key) -> tuple[int, int, Value]:
        return (*self._state(), self._read([key])[key])

    def __call__(self, key: Key, position: int) -> Value:
        """Return the rows of a key, all that there are up to a position."""
        until, version, value = self._items(key)
        if position < until or version == self._state()[1]:
            return value
        self._items.drop(key)
        return self._items(key)[2]

    def settled(self, key: Key) -> int:
        """Return the last event up to which what was returned for a key stays what the tape says; 0: none is kept."""
        return self._items(key)[0] - 1 if key in self._items else 0

    def load(self, keys: list[Key]) -> None:
        """Read the rows of many keys at once, of those that are not kept."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._items]
        if missing:
            state = self._state()
            for key, value in self._read(missing).items():
                self._items.put(key, (*state, value))
