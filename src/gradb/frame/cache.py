"""A small cache with a bound: the newest answers are kept, the longest unused one is dropped."""

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
