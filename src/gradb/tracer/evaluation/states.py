"""Puts back what an expression may have moved in Python and torch: random states, modes and switches.

Generators that the script has made for itself (``torch.Generator()``, ``numpy.random.default_rng()``) are objects of
its own like any other, and not put back.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from gradb.tracer.isolation.genuine import is_grad_enabled, is_inference, set_grad_enabled
from gradb.tracer.probe.probing import clause

Told = Callable[[str], object]
_python_state, _set_python_state = random.getstate, random.setstate
_DEVICES = ("cpu", "cuda", "xpu", "mps")


class State(NamedTuple):
    """Something that is put back."""

    what: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    is_switch: bool = True
    """True where it is written only if it has changed."""


def _set_deterministic(state: tuple[bool, bool]) -> None:
    torch._C._set_deterministic_algorithms(state[0], warn_only=state[1])


def _anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


_SWITCHES = (
    State("the grad mode", is_grad_enabled, set_grad_enabled),
    State("the default dtype", torch.get_default_dtype, torch._C._set_default_dtype),
    State(
        "deterministic algorithms",
        lambda: (torch._C._get_deterministic_algorithms(), torch._C._get_deterministic_algorithms_warn_only()),
        _set_deterministic,
    ),
    State(
        "the filling of uninitialised memory",
        torch._C._get_deterministic_fill_uninitialized_memory,
        torch._C._set_deterministic_fill_uninitialized_memory,
    ),
    State("anomaly mode", _anomaly, lambda state: torch.set_anomaly_enabled(*state)),
    State("the precision of matrix products", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    State("cudnn.benchmark", torch._C._get_cudnn_benchmark, torch._C._set_cudnn_benchmark),
    State("cudnn.deterministic", torch._C._get_cudnn_deterministic, torch._C._set_cudnn_deterministic),
    State("the number of threads", torch.get_num_threads, torch.set_num_threads),
    State("the cache of autocast", torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
)


def _autocast(device: str) -> Iterator[State]:
    def switch(is_on: bool) -> None:
        torch.set_autocast_enabled(device, is_on)

    def choose(dtype: torch.dtype) -> None:
        torch.set_autocast_dtype(device, dtype)

    yield State(f"autocast on {device}", lambda: torch.is_autocast_enabled(device), switch)
    yield State(f"the dtype of autocast on {device}", lambda: torch.get_autocast_dtype(device), choose)


def _random_states() -> Iterator[State]:
    """Yield the states of all generators that draw for who names none."""
    yield State("Python's random state", _python_state, _set_python_state, is_switch=False)
    numpy: Any = getattr(sys.modules.get("numpy"), "random", None)
    if hasattr(numpy, "set_state"):
        yield State("NumPy's random state", lambda: numpy.get_state(legacy=False), numpy.set_state, is_switch=False)
    for name, generator in _generators():
        yield State(f"the random state of {name}", generator.get_state, generator.set_state, is_switch=False)


def _generators() -> Iterator[tuple[str, torch.Generator]]:
    yield "the CPU", torch.default_generator
    for kind in ("cuda", "xpu"):
        backend = getattr(torch, kind, None)
        if backend is not None and backend.is_initialized():
            yield from ((f"{kind}:{number}", one) for number, one in enumerate(backend.default_generators))
    if torch.backends.mps.is_available():
        yield "mps", torch.mps._get_default_mps_generator()


@contextlib.contextmanager
def kept(tell: Told) -> Iterator[None]:
    """Put states back as they were, however it ends; what cannot be read or put back is told."""
    rows = [*_SWITCHES, *(row for device in _DEVICES for row in _autocast(device)), *_random_states()]
    before, was_inference = list(_read(rows, tell)), is_inference()
    try:
        yield
    finally:
        for row, value in before:
            try:
                if not row.is_switch or row.read() != value:
                    row.write(value)
            except Exception as error:
                tell(f"{row.what} could not be put back: {clause(error)}")
        if is_inference() is not was_inference:
            tell("inference mode could not be put back")


def _read(rows: list[State], tell: Told) -> Iterator[tuple[State, Any]]:
    for row in rows:
        try:
            value = row.read()
        except Exception as error:
            if not row.what.endswith(_DEVICES):  # a device that this torch does not know
                tell(f"{row.what} is not put back: {clause(error)}")
        else:
            yield row, value
