"""Forgets what is known of an object when that is gone.

Python swallows what is raised in a callback, so no handler of a signal may raise in it.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any, TypeVar

from gradb.tracer.isolation.signals import shielded

_T = TypeVar("_T")


def forgotten(found: _T, table: dict[int, Any]) -> weakref.ref[_T]:
    """Return a reference to an object, whose row in a table by ``id`` goes when the object does."""
    return weakref.ref(found, functools.partial(_forget, table, id(found)))


@shielded
def _forget(table: dict[int, Any], key: int, _: object) -> None:
    table.pop(key, None)
