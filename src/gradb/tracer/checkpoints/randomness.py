"""The states of the global random generators, which a forked process must have as the script had them.

Python seeds its own anew in every forked process, and what other handlers of forks do there is not known: each state is
put back where the process is to go on, and then compared.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any, NamedTuple


class States(NamedTuple):
    """States of the generators that there are; None of one whose module is not imported."""

    python: Any
    numpy: Any
    torch: bytes | None


def take() -> States:
    """Return the states."""
    modules = sys.modules
    python, numpy, torch = modules.get("random"), modules.get("numpy.random"), modules.get("torch")
    return States(
        None if python is None else python.getstate(),
        None if numpy is None else _flat(numpy.get_state(legacy=False)),
        None if torch is None else _bytes(torch.default_generator),
    )


def put_back(states: States) -> str:
    """Put the states back; return of which generator that cannot be done, empty where it is done."""
    modules = sys.modules
    if states.python is not None:
        modules["random"].setstate(states.python)
    found = take()
    names = {"random": (states.python, found.python), "numpy.random": (states.numpy, found.numpy),
             "torch": (states.torch, found.torch)}  # fmt: skip
    return next((name for name, (before, after) in names.items() if before != after), "")


def _flat(state: Any) -> Any:
    """Return a state of numpy's as what can be compared."""
    if isinstance(state, dict):
        return {key: _flat(value) for key, value in state.items()}
    return state.tobytes() if hasattr(state, "tobytes") else state


def _bytes(generator: Any) -> bytes:
    import torch

    from gradb.tracer.isolation.genuine import Methods
    from gradb.tracer.isolation.modes import unseen

    with torch._C.DisableTorchFunction(), unseen():
        state = generator.get_state()
        return ctypes.string_at(Methods.data_ptr(state), Methods.numel(state))
