"""Watches optimizer steps: one event each, after the step returned; then the next iteration begins."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.optim import optimizer as hooks

from gradb.tape.codec import Blob, dumps
from gradb.tracer.composer import Composer


class StepWatch:
    """Records what an optimizer step left in the parameters."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._recorder = composer.recorder

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Register the global step hook for as long as the context lasts."""
        handle = hooks.register_optimizer_step_post_hook(self._stepped)
        try:
            yield
        finally:
            handle.remove()

    def _stepped(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        self._composer.guard(self._record, optimizer)

    def _record(self, optimizer: torch.optim.Optimizer) -> None:
        place = self._recorder.find(2).place.row
        parameters = [tensor for group in optimizer.param_groups for tensor in group["params"]]
        self._recorder.settle()
        self._composer.leaves(parameters, place)
        event, blob = self._recorder.next_seq, Blob()
        values = ",".join([self._composer.defined(tensor, blob, event, place)[0] for tensor in parameters])
        rates = [float(group["lr"]) for group in optimizer.param_groups if "lr" in group]
        name = type(optimizer).__name__
        detail = f"[{dumps(name)},{dumps(rates)},[{values}]]"
        self._recorder.emit("step", name, place, detail, blob, has_nonfinite=blob.has_nonfinite)
        self._recorder.iteration += 1
