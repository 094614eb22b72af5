"""Loads the compiled module, and tells whether it may be used: it must come from the sources that lie beside it.

Torch is not needed here.
"""

from __future__ import annotations

import functools
import importlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradb.log.pen import MakePen, PythonPen
from gradb.tracer.native import sources

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_SWITCH = "GRADB_ACCELERATOR"


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is of the accelerator."""

    text: str
    """In the words of ``gradb --version``."""
    module: Any = None
    """The compiled module, where it may be used."""


def standing() -> Standing:
    """Return what there is of the accelerator now: it can be switched off at any time."""
    return Standing("pure Python: switched off") if os.environ.get(_SWITCH) == "off" else _built()


def pen() -> MakePen:
    """Return what makes the pen of a log: in C where the accelerator may be used."""
    module = standing().module
    return PythonPen if module is None else module.Pen


def lock() -> Any:
    """Return a lock that a thread can take again: one that C takes without a call of Python's where it may be used."""
    module = standing().module
    return threading.RLock() if module is None else module.Lock()


def sift() -> Callable[..., bool] | None:
    """Return what asks the parts of a sieve about an event that Python has put; None without the accelerator."""
    module = standing().module
    return None if module is None else module.Sifter().passes


@functools.cache
def _built() -> Standing:
    try:
        module = importlib.import_module("gradb.tracer.native._accelerator")
    except ModuleNotFoundError:
        return Standing("pure Python: not built")
    except ImportError:
        return Standing("C accelerator: cannot be loaded, reinstall")
    try:
        is_theirs = sources.digest(_FOLDER) == module.SOURCES
    except (OSError, AttributeError):
        is_theirs = False
    return Standing("C accelerator", module) if is_theirs else Standing("C accelerator: stale, reinstall")
