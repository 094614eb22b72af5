"""Rules about a GradScaler: what is done to scaled gradients, and a scale that never fits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gradb.diagnosis.errors.source import segment
from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.ledger import Ledger
from gradb.diagnosis.training.wording import place
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.step import StepDetail

_ALIKE, _ROUNDING = 3, 1e-3
"""So many norms in a row that are the same but for rounding were made so: gradients were clipped by hand."""
_LOOKED = 64
"""Events before gradients are unscaled that are looked through for a call that clips."""
_CLIP = re.compile(r"clip_grad_\w+")
_ENOUGH, _ENOUGH_OF_NAN = 8, 4
"""Steps in a row that are skipped: a scale that is too large falls by half with each; a NaN it does not cure."""


class ClippedScaled:
    """G008: gradients are clipped while they are still multiplied by the scale."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._ledger = evidence.account(Ledger)
        self._clip: tuple[Event, GradChangeDetail] | None = None
        self._edit: tuple[Event, GradChangeDetail] | None = None
        """The first change by the script's own code since a backward."""
        self._norms: list[float] = []
        """Norms of scaled gradients that were changed so, the newest."""
        self._found: dict[tuple[str | None, int | None], Finding] = {}

    def see(self, event: Event) -> None:
        """Look at a change of gradients."""
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, GradChangeDetail):
            return
        if detail.by.startswith("clip_grad"):
            self._clip = event, detail
        elif detail.by.startswith("grad"):
            is_first = self._edit is None or self._is_before_backward(self._edit[0])
            self._edit = (event, detail) if is_first else self._edit
        elif detail.by == "GradScaler.unscale_":
            self._unscaled(event, detail)

    def _is_before_backward(self, event: Event) -> bool:
        backward = self._ledger.backward
        return backward is not None and event.seq < backward.event.seq

    def _unscaled(self, event: Event, detail: GradChangeDetail) -> None:
        edit, self._edit = self._edit, None
        if edit is not None and not self._is_before_backward(edit[0]) and detail.norm_before:
            self._norms = [*self._norms[1 - _ALIKE :], detail.norm_before]
            if len(self._norms) == _ALIKE and max(self._norms) - min(self._norms) < _ROUNDING * max(self._norms):
                self._found.setdefault((edit[0].file, edit[0].line), self._finding(*edit, event, detail))
        if self._clip is not None:
            (clip, clipped), self._clip = self._clip, None
            both = {one.tensor for one in clipped.changed} & {one.tensor for one in detail.changed}
            if both and not self._is_before_backward(clip):
                self._found.setdefault((clip.file, clip.line), self._finding(clip, clipped, event, detail))
        elif (idle := self._idle_clip(event)) is not None:
            self._found.setdefault((idle.file, idle.line), self._idle_finding(idle, event))

    def _idle_clip(self, event: Event) -> Event | None:
        """Return a call since the backward that clips, and has changed nothing: its limit was not met.

        Whose gradients it was given is not on the tape, so this is told of a training with one optimizer alone.
        """
        backward, tape = self._ledger.backward, self._evidence.tape
        if backward is None or len(self._ledger.optimizers) > 1 or tape.fact("optimizer_2") is not None:
            return None
        calls = tape.events(max(backward.event.seq + 1, event.seq - _LOOKED), event.seq - 1)
        return next((one for one in calls if one.kind == "op" and _CLIP.search(segment(tape, one))), None)

    def _idle_finding(self, clip: Event, event: Event) -> Finding:
        found = _CLIP.search(segment(self._evidence.tape, clip))
        message = (
            f"{found[0] if found else 'clipping'} holds its limit against gradients that are still scaled, since they "
            f"are unscaled only in {place(event, clip.file)}; here it was not met"
        )
        steps = (Step(clip.seq, "the limit is held against scaled gradients"), Step(event.seq, "they are unscaled"))
        return Finding("G008", clip.seq, message, clip.file, clip.line, steps, ())

    def findings(self) -> Iterable[Finding]:
        """Return one finding a line."""
        return self._found.values()

    def _finding(self, clip: Event, clipped: GradChangeDetail, event: Event, detail: GradChangeDetail) -> Finding:
        norms = ""
        if clipped.by.startswith("clip_grad") and clipped.norm_before is not None and detail.norm_after is not None:
            norms = f": their norm of {clipped.norm_before:.4g} with the scale becomes {detail.norm_after:.4g} without"
        where = place(event, clip.file)
        message = f"{clipped.by} clips gradients that are still scaled, since they are unscaled only in {where}{norms}"
        steps = (Step(clip.seq, "scaled gradients are clipped"), Step(event.seq, "they are unscaled"))
        names = tuple(one.parameter for one in clipped.changed)
        return Finding("G008", clip.seq, message, clip.file, clip.line, steps, names)


@dataclass(slots=True)
class _Skips:
    """The steps of one optimizer that were skipped since the newest that was not."""

    first: Event
    label: str
    count: int = 0
    others: int = 0
    """Steps before these."""
    reasons: dict[str, int] = field(default_factory=dict)


class Skipped:
    """G009: GradScaler skips every step, from the first or from one on."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._ledger = evidence.account(Ledger)
        self._skips: dict[object, _Skips] = {}

    def see(self, event: Event) -> None:
        """Look at a step."""
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, StepDetail):
            return
        key = detail.optimizer if detail.maker is None else detail.maker.number
        skips = self._skips.get(key)
        if skips is None:
            label = detail.optimizer if detail.maker is None else detail.maker.label
            skips = self._skips[key] = _Skips(event, label)
        if not detail.skipped:
            skips.others += skips.count + 1
            skips.count = 0
            skips.reasons.clear()
            return
        skips.first = skips.first if skips.count else event
        skips.count += 1
        if detail.skipped in skips.reasons or len(skips.reasons) < _ENOUGH:
            skips.reasons[detail.skipped] = skips.reasons.get(detail.skipped, 0) + 1

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each optimizer whose steps are all skipped now."""
        return [self._finding(skips) for skips in self._skips.values() if skips.count >= self._enough(skips)]

    def _enough(self, skips: _Skips) -> int:
        return _ENOUGH_OF_NAN if all(reason.startswith("nan") for reason in skips.reasons) else _ENOUGH

    def _finding(self, skips: _Skips) -> Finding:
        first, tape = skips.first, self._evidence.tape
        reason = max(skips.reasons, key=lambda one: skips.reasons[one])
        scale = next((series.latest(tape.head) for series in tape.series if series.kind == "loss_scale"), None)
        since = f"since iteration {tape.event(first.seq).iteration}" if skips.others else "from the first on"
        now = "" if scale is None else f"; the scale is {scale:g} now"
        message = f"GradScaler skips every step of {skips.label} {since}, {skips.count} so far: {reason}{now}"
        steps = (Step(first.seq, "the first of the steps that are skipped"),)
        name = reason.partition(" in ")[2].removesuffix(".grad")
        return Finding("G009", first.seq, message, first.file, first.line, steps, (name,) if name else ())


RULES = (
    DiagnosisRule(
        "G008",
        "gradients are clipped before they are unscaled",
        "warning",
        "Under a GradScaler .grad is multiplied by the scale, which may be 65536, until unscale_() or step()"
        " divides it. A limit that is meant for gradients cuts scaled ones down to next to nothing.",
        "Call scaler.unscale_(optimizer) before clipping.",
        frozenset({"grad_change"}),
        ClippedScaled,
    ),
    DiagnosisRule(
        "G009",
        "GradScaler skips every step",
        "warning",
        "A step is skipped where a gradient is infinite or NaN, and the scale is made smaller. A few at the beginning"
        " are normal. Where it goes on, the cause is not the scale: the loss or the parameters are not finite"
        " themselves, or the scale is very far off; nothing is learned.",
        "Find where the value was born (gradb why), or give GradScaler a smaller init_scale.",
        frozenset({"step"}),
        Skipped,
    ),
)
