"""Names what a GradScaler makes: its scale, and the loss multiplied by it, which have no variable in the script."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch

from gradb.tracer.composer import Composer
from gradb.tracer.history import maker


@contextlib.contextmanager
def scaling(composer: Composer) -> Iterator[None]:
    """Name the scale and the scaled losses of every GradScaler for as long as the context lasts."""
    owner = torch.amp.GradScaler
    begin, scale = owner._lazy_init_scale_growth_tracker, owner.scale

    @functools.wraps(begin)
    def begin_scale(scaler: Any, *args: Any, **kwargs: Any) -> None:
        begin(scaler, *args, **kwargs)
        if composer.recorder.is_full:
            composer.guard(_name_scale, composer, scaler)

    @functools.wraps(scale)
    def scale_outputs(scaler: Any, outputs: Any, *args: Any, **kwargs: Any) -> Any:
        if composer.recorder.is_full:
            composer.guard(_name_scale, composer, scaler)
        result = scale(scaler, outputs, *args, **kwargs)
        if composer.recorder.is_full and result is not outputs:
            composer.guard(_name_result, composer, outputs, result)
        return result

    owner._lazy_init_scale_growth_tracker = begin_scale  # type: ignore[method-assign, assignment]
    owner.scale = scale_outputs  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        owner._lazy_init_scale_growth_tracker = begin  # type: ignore[method-assign]
        owner.scale = scale  # type: ignore[method-assign]


def _name_scale(composer: Composer, scaler: Any) -> None:
    made = getattr(scaler, "_scale", None)  # one that is not enabled has none
    if isinstance(made, torch.Tensor):
        composer.naming.name(made, "scale", composer.recorder.settle())


def _name_result(composer: Composer, outputs: Any, result: Any) -> None:
    """Name the product from the op on that made it, which has just been recorded."""
    if isinstance(outputs, torch.Tensor) and isinstance(result, torch.Tensor):
        known = composer.tensors.record(outputs).name or "loss"
        event = composer.writer.head
        composer.naming.name(result, f"({known} × scale)", event)
        mark = None if (node := maker(result)) is None else composer.nodes.mark(node)
        if mark is not None:
            composer.writer.remark(mark.id, event, "scaled", known)
