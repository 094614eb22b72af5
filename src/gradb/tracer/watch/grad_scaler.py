"""Tells of GradScaler: its scale, the loss that it multiplies, and the steps that it skips."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch

from gradb.tape.schema import SCALED
from gradb.tracer.recording.composer import Composer
from gradb.tracer.tensors.history import maker
from gradb.tracer.tensors.norms import norm_of_all
from gradb.tracer.watch.steps import StepWatch


@contextlib.contextmanager
def scaling(composer: Composer, steps: StepWatch) -> Iterator[None]:
    """Follow every GradScaler for as long as the context lasts."""
    owner = torch.amp.GradScaler
    begin, scale, step = owner._lazy_init_scale_growth_tracker, owner.scale, owner._maybe_opt_step
    unscale = owner._unscale_grads_

    @functools.wraps(begin)
    def begin_scale(scaler: Any, *args: Any, **kwargs: Any) -> None:
        begin(scaler, *args, **kwargs)
        if composer.recorder.is_full:
            composer.guard(_name_scale, composer, scaler)

    @functools.wraps(scale)
    def scale_outputs(scaler: Any, outputs: Any, *args: Any, **kwargs: Any) -> Any:
        if composer.recorder.is_full:
            composer.guard(_name_scale, composer, scaler)
        composer.births.scaling = SCALED
        try:
            result = scale(scaler, outputs, *args, **kwargs)
        finally:
            composer.births.scaling = 0
        if result is not outputs:
            composer.guard(_note, composer, scaler, outputs, result)
        return result

    @functools.wraps(unscale)
    def unscale_grads(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        found = unscale(scaler, optimizer, *args, **kwargs)
        composer.guard(_note_unscaled, steps, optimizer, found)
        return found

    @functools.wraps(step)
    def step_or_skip(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        made = steps.count
        result = step(scaler, optimizer, *args, **kwargs)
        if steps.count == made:
            composer.guard(_note_skipped, steps, optimizer, args)
        return result

    owner._lazy_init_scale_growth_tracker = begin_scale  # type: ignore[method-assign, assignment]
    owner.scale = scale_outputs  # type: ignore[method-assign, assignment]
    owner._maybe_opt_step = step_or_skip  # type: ignore[method-assign, assignment]
    owner._unscale_grads_ = unscale_grads  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        owner._lazy_init_scale_growth_tracker = begin  # type: ignore[method-assign]
        owner.scale = scale  # type: ignore[method-assign]
        owner._maybe_opt_step = step  # type: ignore[method-assign]
        owner._unscale_grads_ = unscale  # type: ignore[method-assign]


def _name_scale(composer: Composer, scaler: Any) -> None:
    made = getattr(scaler, "_scale", None)  # one that is not enabled has none
    if isinstance(made, torch.Tensor):
        composer.naming.name(made, "scale", composer.recorder.settle())


def _note(composer: Composer, scaler: Any, outputs: Any, result: Any) -> None:
    """Take note of a scaled loss, and of the scale, which is a series of its own."""
    if composer.recorder.is_full:
        _name_result(composer, outputs, result)
    composer.scaled.note(outputs, result, composer.recorder.find().place)
    made = getattr(scaler, "_scale", None)
    if isinstance(made, torch.Tensor):
        value = norm_of_all((made,))
        if value is not None:
            composer.series.point("loss_scale", "scale", value, composer.recorder.settle())


def _note_unscaled(steps: StepWatch, optimizer: Any, found: Any) -> None:
    """Take note of gradients that are not finite, by what GradScaler itself has found."""
    if isinstance(found, dict) and norm_of_all(found.values()) != 0:
        steps.unscaled(optimizer)


def _note_skipped(steps: StepWatch, optimizer: Any, args: tuple[Any, ...]) -> None:
    """Take note of a step that was not made, unless GradScaler has found no reason: then it was made unseen."""
    state = args[0] if args else None
    found = state.get("found_inf_per_device") if isinstance(state, dict) else None
    if not found or norm_of_all(found.values()) != 0:
        steps.skipped(optimizer)


def _name_result(composer: Composer, outputs: Any, result: Any) -> None:
    """Name the product from the op on that made it, which has just been recorded."""
    if isinstance(outputs, torch.Tensor) and isinstance(result, torch.Tensor):
        known = composer.tensors.record(outputs).name or "loss"
        event = composer.writer.head
        composer.naming.name(result, f"({known} × scale)", event)
        mark = None if (node := maker(result)) is None else composer.nodes.mark(node)
        if mark is not None:
            composer.writer.remark(mark.id, event, "scaled", known)
