"""The header of an event: what is searched and filtered, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradb.tape.kinds.registry import STOP_KINDS, Kind
from gradb.tape.schema import BIRTH, GRAD_OFF, INFERENCE, INFINITY, NAN, NONFINITE, QUIET, SCALED

GradMode = Literal["on", "off", "inference"]


@dataclass(frozen=True, slots=True)
class Event:
    """The header of one recorded step."""

    seq: int
    """Position, from 1."""
    kind: Kind
    name: str
    """Node name for op and node events that have one (``MulBackward0``), else the torch call (``torch.ones``) or the
    ATen call, the tensor's name (leaf, accumulate), the optimizer's class (step), the stream (output), the exception
    type (error)."""
    file: str | None
    """Path of the source file as the script's interpreter knows it; None where there is none."""
    line: int | None
    """First line of the expression, from 1."""
    end_line: int | None
    column: int | None
    """First column (UTF-8 byte offset) of the expression, from 0; None where not known."""
    end_column: int | None
    scope: str
    """nn.Module path, e.g. ``layer1.0``; empty outside of any module."""
    iteration: int
    """From 1. An iteration ends with the last step of the optimizers that step in turn, or, where parameters are
    updated by hand, before the first forward op that follows."""
    phase: str
    node: int | None
    """Node id: the node run (node_start, aten, node, accumulate) or the newest node created (op)."""
    flags: int = 0
    """What the properties below tell, each by a bit of its own: see ``schema``."""
    thread: int = 0
    """0 for the main thread, else a small number of our own."""

    @property
    def is_quiet(self) -> bool:
        """True for what cannot matter to a gradient (data preparation, initialisation): stepped over by default."""
        return self.flags & QUIET != 0

    @property
    def has_nan(self) -> bool:
        """True when a value recorded with this event has a NaN."""
        return self.flags & NAN != 0

    @property
    def has_inf(self) -> bool:
        """True when a value recorded with this event has an infinity."""
        return self.flags & INFINITY != 0

    @property
    def has_nonfinite(self) -> bool:
        """True when a value recorded with this event has a NaN or an infinity."""
        return self.flags & NONFINITE != 0

    @property
    def is_birth(self) -> bool:
        """True when a value that is not finite is seen here first, and no input of the event is the reason."""
        return self.flags & BIRTH != 0

    @property
    def is_scaled(self) -> bool:
        """True in the backward of a loss that a GradScaler has scaled: infinite gradients are part of its plan."""
        return self.flags & SCALED != 0

    @property
    def grad_mode(self) -> GradMode:
        """The script's grad mode at the call; "on" for what is no call of the script's (nodes, prints ...)."""
        if self.flags & INFERENCE:
            return "inference"
        return "off" if self.flags & GRAD_OFF else "on"

    @property
    def is_stop(self) -> bool:
        """True when an ordinary step stops here."""
        return self.kind in STOP_KINDS and not self.is_quiet
