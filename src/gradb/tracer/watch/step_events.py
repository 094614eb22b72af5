"""What is told of an optimizer's step: one event each, with every parameter before and after it, and its series."""

from __future__ import annotations

import torch

from gradb.tape.kinds.step import Size, write as write_step
from gradb.tape.oddity import born, oddity
from gradb.tape.schema import BIRTH, INFINITY, NAN, NONFINITE
from gradb.tape.wire import Blob
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.places import PlaceRow
from gradb.tracer.tensors import norms
from gradb.tracer.watch.optimizers import OptimizerState, groups_of, parameters_of, rates_of, versions_of
from gradb.tracer.watch.step_sizes import size_of

_NONFINITE = "inf or nan in a gradient"
_ODD = {"nan in": NAN, "inf in": INFINITY}
"""By how the reason of a skipped step begins."""


class StepEvents:
    """Puts steps on the tape."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._write_point = composer.recorder.writer.pen.point
        self._skips = 0

    def tell_unseen(self, state: OptimizerState) -> None:
        """Say of the event of a step that what the step found was not seen, if so."""
        if not state.is_seen:
            self._composer.missing("parameters before the step", state.blind)

    def made(self, optimizer: torch.optim.Optimizer, state: OptimizerState, event: int, place: PlaceRow) -> None:
        """Tell of a step that was made, or that a fused optimizer has skipped itself."""
        rates, norm = rates_of(optimizer), state.norm
        if norm is not None:
            id_ = self._point(state.series, "", "grad_norm", state.label, norm, event)
            self._recorder.gate.point("grad_norm", id_, event, norm)
        self._tell_rates(state, rates, event)
        skipped = self._skipped_within(optimizer, state, event)
        self._tell(optimizer, state, rates, place, skipped, odd=self._watched(state, norm))

    def _watched(self, state: OptimizerState, norm: float | None) -> int:
        if self._recorder.is_full or norm is None:
            return 0
        return self._composer.births.watched(f"gradients of {state.label}", oddity(norm))

    def skipped(self, optimizer: torch.optim.Optimizer, state: OptimizerState, event: int, place: PlaceRow) -> None:
        """Tell of a step that GradScaler has skipped."""
        rates = rates_of(optimizer)
        self._tell_rates(state, rates, event)
        self._count_skip(event)
        why = state.why_skipped or _NONFINITE
        self._tell(optimizer, state, rates, place, why, odd=_ODD.get(why[:6], NONFINITE))

    def _skipped_within(self, optimizer: torch.optim.Optimizer, state: OptimizerState, event: int) -> str:
        """Return why a step has changed nothing: a fused one is called by GradScaler all the same, and skips itself."""
        found = getattr(optimizer, "found_inf", None)
        if found is None or not isinstance(found, torch.Tensor) or norms.norm_of_all((found,)) == 0:
            return ""
        self._count_skip(event)
        return state.first_nonfinite(self._composer, parameters_of(optimizer)) or _NONFINITE

    def _count_skip(self, event: int) -> None:
        self._skips += 1
        self._composer.series.point("skipped", "GradScaler", self._skips, event)

    def _tell_rates(self, state: OptimizerState, rates: list[float], event: int) -> None:
        for name, rate in zip(state.rate_names(len(rates)), rates, strict=False):
            self._point(state.series, name, "learning_rate", name, rate, event)

    def _point(self, series: dict[str, int], key: str, kind: str, name: str, value: float, event: int) -> int:
        id_ = series.get(key)
        if id_ is None:
            id_ = series[key] = self._composer.series.id(kind, name)
        self._write_point(id_, event, self._recorder.iteration, value)
        return id_

    def _tell_norms(self, state: OptimizerState, parameters: list[torch.Tensor], event: int) -> None:
        """Add the norm of each parameter after the step to its series."""
        series, record, at_once = state.norms, self._composer.tensors.record, self._composer.leaves_at_once
        if at_once is not None and at_once.norms(parameters, series):
            return
        for tensor in parameters:
            value = norms.norm_of_all((tensor,))
            if value is not None:
                label = record(tensor).label
                self._point(series, label, "parameter_norm", label, value, event)

    def _tell(
        self,
        optimizer: torch.optim.Optimizer,
        state: OptimizerState,
        rates: list[float],
        place: PlaceRow,
        skipped: str,
        *,
        odd: int,
    ) -> None:
        size = None if state.copies is None else size_of(state.copies, parameters_of(optimizer))
        if self._recorder.is_full:
            self._record(optimizer, state, rates, place, skipped, size)
        elif self._recorder.is_terse:
            self._recorder.writer.pen.write()
        else:
            self._recorder.emit("step", state.name, place, state.light_detail(rates, skipped, size), odd=odd)

    def _record(
        self,
        optimizer: torch.optim.Optimizer,
        state: OptimizerState,
        rates: list[float],
        place: PlaceRow,
        skipped: str,
        size: Size | None,
    ) -> None:
        parameters = parameters_of(optimizer)
        event, count = self._recorder.next_seq, len(parameters)
        if not skipped and self._record_at_once(optimizer, state, rates, place, size):
            return
        self._tell_norms(state, parameters, event)
        given, state.blob.odd = state.blob.odd, 0
        after = self._defined(parameters, state.blob, event, place)
        groups = groups_of(optimizer)
        before, gradients = (text if size == count else "" for size, text in (state.before, state.gradients))
        is_unnoticed = not skipped and state.has_gradients and state.versions == versions_of(parameters)
        detail = write_step(
            optimizer=state.name, learning_rates=rates, parameters=after, before=before,
            gradients=gradients, groups=groups if len(groups) == count else [],
            is_unnoticed=is_unnoticed, skipped=skipped, maker=state.maker, size=size,
        )  # fmt: skip
        odd = self._judged(state.blob.odd, given, state.odd)
        self._recorder.emit("step", state.name, place, detail, state.blob, odd=odd)

    def _record_at_once(
        self, optimizer: torch.optim.Optimizer, state: OptimizerState, rates: list[float], place: PlaceRow,
        size: Size | None,
    ) -> bool:  # fmt: skip
        """Record a step as a whole, with norms; return False, and nothing was done, where that is for Python."""
        at_once, parameters = self._composer.leaves_at_once, parameters_of(optimizer)
        if at_once is None or state.found is None or state.before[0] != len(parameters):
            return False
        around = state.around(rates, groups_of(optimizer), size)
        return at_once.made(parameters, state.found, *around, state.name, place, self._judged, state.norms)

    def _defined(self, parameters: list[torch.Tensor], blob: Blob, event: int, place: PlaceRow) -> str:
        """Return the texts of ``T`` of all parameters, whose values are defined at an event."""
        at_once = self._composer.leaves_at_once
        told = None if at_once is None else at_once.define(parameters, blob, event)
        if told is None:
            told = ",".join([self._composer.defined(tensor, blob, event, place)[0] for tensor in parameters])
        return told

    def _judged(self, made: int, given: int, before: int) -> int:
        """Return the flags of a step: of its parameters now, of all that it was given, and of its parameters before it.

        Gradients that became odd under a loss scale have stopped nobody: a step that uses them does.
        """
        birth = born(made, given)
        if not birth and made & NONFINITE and not before and self._composer.births.has_passed:
            birth = BIRTH
        return made | given | birth
