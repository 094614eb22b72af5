"""What of the accelerator is called by functions that belong to no recording: whatever the newest recording uses.

Each declines until ``use`` was called with a module.
"""

from __future__ import annotations

from typing import Any


def _declined(*_: Any) -> bool:
    return False


def _nothing(*_: Any) -> None:
    return None


knows: Any = _declined
"""Tells whether a tensor is a plain one in the CPU's memory, and that holds all of it."""
extend: Any = _declined
"""Appends the elements of a tensor to a list of floats; False, and nothing done, where it is none of few floats."""
floats: Any = _nothing
"""Returns the elements of a list of tensors, if each is one of few floats; else None."""
norm: Any = _nothing
"""Returns the 2-norm of a tensor of any size; None where that is not known."""
keep: Any = _nothing
"""Returns what there is to know of tensors before they change, for ``change``; None where one is not known here."""
change: Any = _nothing
"""Returns 2-norms: of how each has changed, and of what each was; None where that is not known."""


def use(module: Any) -> None:
    """Take the functions of a compiled module; None: decline from here on."""
    global knows, extend, floats, norm, keep, change
    knows, extend = (_declined, _declined) if module is None else (module.knows, module.extend)
    floats, norm, keep, change = (
        (_nothing,) * 4 if module is None else (module.floats, module.norm, module.keep, module.change)
    )
