"""Torch's own methods and functions, whatever a script has put in the place of their names: gradb reads with these.

Scripts replace methods of ``Tensor`` and functions of ``torch`` to count calls, to convert, or by a mock. What a value
is must not hang on that, and what only gradb reads must not be counted. The two classes cannot be changed by anybody;
the contexts are those of before the script's first line.
"""

from __future__ import annotations

from typing import Self

import torch

from gradb.tape.schema import GRAD_OFF, INFERENCE

Methods = torch._C.TensorBase
Functions = torch._C._VariableFunctions
vector_norm = torch._C._linalg.linalg_vector_norm  # type: ignore[attr-defined]
inference_mode = torch.inference_mode
is_grad_enabled = torch.is_grad_enabled
is_inference = torch.is_inference_mode_enabled
set_grad_enabled = torch._C._set_grad_enabled


def grad_mode() -> int:
    """Return the flag of the grad mode in force, 0 where it is on."""
    if is_inference():
        return INFERENCE
    return 0 if is_grad_enabled() else GRAD_OFF


class _GradMode:
    """Has gradients on or off as long as the context lasts; torch's own contexts ask by names that can be replaced."""

    __slots__ = ("_before", "_wanted")

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted

    def __enter__(self) -> Self:
        self._before = is_grad_enabled()
        set_grad_enabled(self._wanted)
        return self

    def __exit__(self, *_: object) -> None:
        set_grad_enabled(self._before)


def no_grad() -> _GradMode:
    """Have no graph built by what is computed within."""
    return _GradMode(False)


def enable_grad() -> _GradMode:
    """Have a graph built by what is computed within."""
    return _GradMode(True)
