"""Watches ``.grad`` being cleared or set, in the idioms that scripts use, and carries out the zero_grad policy.

``optimizer.zero_grad()`` and ``module.zero_grad()`` are one event for all they clear; ``p.grad.zero_()``,
``p.grad = None`` and ``del p.grad`` are one each; of anything else the effect decides (see ``edits``). A call that the
policy makes do nothing is an event too, and so is what gradb clears itself.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from gradb.tape.kinds.buffer import write_buffer
from gradb.tape.kinds.error import write as write_error
from gradb.tape.kinds.zero_grad import write as write_zero_grad
from gradb.tape.wire import Blob
from gradb.tracer.isolation.genuine import no_grad
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.threadstate import EngineCall
from gradb.tracer.source.places import Found, PlaceRow
from gradb.tracer.tensors.history import grad_of, is_leaf, keeps_grad
from gradb.tracer.watch.clearing import clears, covers, is_setting, target_of
from gradb.tracer.watch.edits import Edits, HeldBuffers, Kept, is_cleared, phase_of_change
from gradb.tracer.watch.lending import Lending
from gradb.tracer.watch.optimizers import parameters_of
from gradb.tracer.watch.policy import ZeroPolicy
from gradb.tracer.watch.torch_functions import Call

LeavesOf = Callable[[Any], list[torch.Tensor]]
_Held = HeldBuffers | Kept | list[torch.Tensor] | None


class _Local(threading.local):
    def __init__(self) -> None:
        self.held: HeldBuffers | None = None
        self.depth = 0


class GradWatch:
    """Compares ``.grad`` before and after whatever clears or changes it."""

    def __init__(self, composer: Composer, policy: ZeroPolicy) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._policy = policy
        self._edits = Edits(composer, policy)
        self.lending = Lending(self._edits)
        self._local = _Local()

    @property
    def is_clearing(self) -> bool:
        """True inside of ``optimizer.zero_grad`` or ``module.zero_grad``."""
        return self._local.depth > 0

    # --- the policy ---------------------------------------------------------------------------------------------------

    def suppresses(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Tell whether a call that clears gradients is to do nothing, and record that it did nothing."""
        if not self._policy.is_off or self._local.depth:
            return False
        leaves = self._to_clear(call, args, kwargs)
        if not leaves:
            return False
        found = self._recorder.find()
        if found.is_optimizer:
            return False
        self._suppressed(_idiom(call, args), leaves, found.place.row)
        return True

    def before_unseen(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
        """Take note of a call that may clear gradients while only watching; return those that there are, under `off`.

        With them ``after_unseen`` can tell whether the call has cleared what it could not be known to clear.
        """
        if call.clears and self._to_clear(call, args, kwargs):
            self._policy.cleared(to_zeros=not is_setting(call.display))
        if not self._policy.is_off or self._local.depth:
            return []
        return [leaf for leaf in self._touched(call, args, kwargs) if not is_cleared(leaf)]

    def after_unseen(self, leaves: list[torch.Tensor]) -> None:
        """Count a clear that the policy could not hold back."""
        if any(is_cleared(leaf) for leaf in leaves) and not self._recorder.find().is_optimizer:
            self._edits.missed()

    def _touched(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
        """Return the tensors whose ``.grad`` a call is about to clear or change."""
        target = target_of(args, kwargs)
        if is_setting(call.display):
            return [target] if isinstance(target, torch.Tensor) and grad_of(target) is not None else []
        return self._owners(target)

    def _to_clear(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
        """Return the tensors whose ``.grad`` a call is known to clear, before it runs."""
        if "requires_grad" in call.display:
            return []
        leaves = self._touched(call, args, kwargs)
        if not leaves or not clears(call.callee.name, args, kwargs):
            return []
        target = target_of(args, kwargs)
        if isinstance(target, torch.Tensor) and not is_setting(call.display):
            leaves = [leaf for leaf in leaves if (grad := grad_of(leaf)) is not None and covers(target, grad)]
        return leaves

    def _owners(self, target: Any) -> list[torch.Tensor]:
        grads = [target] if isinstance(target, torch.Tensor) else target if isinstance(target, (list, tuple)) else []
        owners = self._composer.tensors.owners_of_grad
        return list(
            {id(leaf): leaf for grad in grads if isinstance(grad, torch.Tensor) for leaf in owners(grad)}.values()
        )

    def _suppressed(self, idiom: str, leaves: list[torch.Tensor], place: PlaceRow) -> None:
        self.look()
        event = self._recorder.settle()
        count = self._policy.count()
        self._composer.series.point("suppressed", "zero_grad", count, event)
        if self._recorder.is_full:
            self._composer.leaves(leaves, place)
            held, rows = HeldBuffers(self._composer, leaves), []
            for row in held.rows:
                known = self._composer.tensors.record(row.leaf)
                rows.append(write_buffer(tensor=known.id, parameter=known.label, before=row.before, after=row.before))
            detail = write_zero_grad(idiom=idiom, cleared=rows, is_suppressed=True)
            self._recorder.emit("zero_grad", idiom, place, detail, held.blob, phase=phase_of_change(self._composer))

    def before_backward(self, place: PlaceRow) -> None:
        """Clear, under the policy ``on``, what the script has left: nothing may be added to used up gradients.

        Not called before ``autograd.grad``, which adds to none.
        """
        if self.lending.has_lent:
            self.lending.look(place)
        leaves = self._policy.left_out()
        if not leaves:
            return
        event = self._recorder.settle()
        held = self._edits.hold(leaves, is_clear=True) if self._recorder.is_full else None
        with no_grad():
            self._policy.clear(leaves)
        self._composer.series.point("inserted", "zero_grad", self._policy.count(), event)
        if held is not None:
            self._edits.cleared("policy on", held, place)
            self.renew()

    # --- the script's own calls ---------------------------------------------------------------------------------------

    def before_call(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any], given: int = 0) -> None:
        """Remember the buffers before a call that sets ``.grad``, or changes what is some leaves' ``.grad``.

        ``given`` is what is odd about its inputs.
        """
        target = target_of(args, kwargs)
        own = [target] if is_setting(call.display) and keeps_grad(target) else []
        leaves = own if is_setting(call.display) else self._owners(target)
        if leaves:
            self.look()
        is_clear = self._local.depth > 0 or _is_idiom(call, args)
        held = self._local.held = self._edits.hold(leaves, is_clear=is_clear)
        if held is not None:
            held.given = given

    def after_setting(self, call: Call, args: tuple[Any, ...], found: Found) -> None:
        """Record ``p.grad = ...``, ``del p.grad``, or a leaf that begins to require grad."""
        held, self._local.held = self._local.held, None
        if "requires_grad" in call.display:
            self._recorder.settle()
            if is_leaf(args[0]):
                self._composer.leaf(args[0], "requires_grad = True", found.place.row, is_quiet=False)
            elif self._composer.tensors.is_known(args[0]) and self._composer.tensors.record(args[0]).is_leaf:
                self._composer.frozen(args[0], found.place.row)
        elif held and not self._local.depth and not found.is_optimizer:
            self._tell(call, args, held, found.place.row)

    def after_inplace(self, call: Call, args: tuple[Any, ...], found: Found) -> bool:
        """Record an in-place op on a ``.grad``; return False when it was on something else."""
        held, self._local.held = self._local.held, None
        if held is None:
            return False
        held.names = found.place.names
        if not self._local.depth:
            self._tell(call, args, held, found.place.row)
        return True

    def _tell(self, call: Call, args: tuple[Any, ...], held: HeldBuffers, place: PlaceRow) -> None:
        record = self._edits.cleared if _is_idiom(call, args) else self._edits.by_effect
        record(_idiom(call, args), held, place)
        self.renew()

    def lend(self, args: tuple[Any, ...]) -> None:
        """Take note of a call that gives the memory of a tensor away, which may be a gradient's."""
        if self._recorder.is_full or self._policy.is_off:
            self.lending.lend(self._owners(args[0] if args else None))

    def look(self) -> None:
        """Record what was written past torch into gradients whose memory the script has got hold of."""
        if self.lending.has_lent:
            self.lending.look(self._recorder.find().place.row)

    def renew(self) -> None:
        """Take note that all changes of gradients so far are recorded."""
        if self.lending.has_lent:
            self.lending.renew()

    def backward_ends(self, run: EngineCall) -> None:
        """Record what a backward's hooks have written past torch; of one that is not on the tape nothing is known."""
        if self.lending.has_lent and not run.start:
            self.lending.renew()
        if self.lending.has_lent:
            self.lending.backward_ends(run)

    def flush(self) -> None:
        """Record what has been changed and waits to be recorded: the script is over."""
        self.look()
        self._edits.flush()

    def forget(self) -> None:
        """Let go of what was held before a call that raised."""
        self._local.held = None

    def error(self, error: Exception, place: PlaceRow, call: Callable[[], tuple[str, Blob]] | None = None) -> None:
        """Record an exception where it was raised, once; ``call`` returns the wire form of the call that raised it."""
        key, name = (id(error), str(error)), type(error).__name__
        if self._composer.local.last_error == key:
            return
        self._composer.local.last_error = key
        told, blob = ("", None) if call is None else call()
        detail = write_error(
            type=name,
            message=str(error),
            is_uncaught=False,
            is_raised=self._recorder.places.is_raised(error),
            call=told,
        )
        self._recorder.emit("error", name, place, detail, blob, scope=self._composer.scope)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Group what ``Optimizer.zero_grad`` and ``Module.zero_grad`` clear, as long as the context lasts."""
        owners: list[tuple[Any, str, Callable[[Any], list[torch.Tensor]]]] = [
            (torch.optim.Optimizer, "optimizer.zero_grad", parameters_of),
            (torch.nn.Module, "module.zero_grad", lambda module: list(module.parameters())),
        ]
        originals = [(owner, owner.zero_grad) for owner, _, _ in owners]
        for owner, idiom, leaves in owners:
            owner.zero_grad = self._grouped(idiom, leaves, owner.zero_grad)
        try:
            yield
        finally:
            for owner, original in originals:
                owner.zero_grad = original

    def _grouped(self, idiom: str, leaves: LeavesOf, original: Callable[..., Any]) -> Any:
        @functools.wraps(original)
        def zero_grad(owner: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._recorder.is_active or self._local.depth:
                return original(owner, *args, **kwargs)
            if not self._recorder.is_full and self._composer.interventions.zero_grad == "script":
                return original(owner, *args, **kwargs)
            if self._policy.is_off and self._composer.intervene("zero_grad", self._refused, idiom, owner, leaves):
                return None
            held: _Held = self._composer.guard(self._before_clearing, owner, leaves)
            self._local.depth += 1
            is_over = False
            try:
                result = original(owner, *args, **kwargs)
                is_over = True
                return result
            finally:
                self._local.depth -= 1
                if isinstance(held, (HeldBuffers, tuple)):
                    self._composer.guard(self._cleared, idiom, held, is_over)
                    if self.lending.has_lent:
                        self._composer.guard(self.renew)
                elif held:
                    self._composer.guard(self._after_clearing, held)

        return zero_grad

    def _cleared(self, idiom: str, held: HeldBuffers | Kept, is_over: bool) -> None:
        place = self._recorder.find(3).place.row
        if isinstance(held, tuple):
            if is_over and self._edits.cleared_at_once(idiom, held, place):
                return
            held = HeldBuffers.kept(self._composer, held)
        tell = self._edits.cleared if is_over else self._edits.broke_off
        tell(idiom, held, place)

    def _refused(self, idiom: str, owner: Any, leaves: LeavesOf) -> bool:
        held = [leaf for leaf in leaves(owner) if _has_buffer(leaf)]
        self._suppressed(idiom, held, self._recorder.find().place.row)
        return True

    def _before_clearing(self, owner: Any, leaves: LeavesOf) -> _Held:
        self.look()
        tensors = leaves(owner)
        if self._recorder.is_full:
            held = (
                [leaf for leaf in tensors if _has_buffer(leaf)] if (kept := self._edits.keep(tensors)) is None else []
            )
            return kept or self._edits.hold(held, is_clear=True)
        return [leaf for leaf in tensors if grad_of(leaf) is not None]

    def _after_clearing(self, leaves: list[torch.Tensor]) -> None:
        self._policy.cleared(to_zeros=any(grad_of(leaf) is not None for leaf in leaves))


def _has_buffer(tensor: torch.Tensor) -> bool:
    return is_leaf(tensor) or grad_of(tensor) is not None


def _is_idiom(call: Call, args: tuple[Any, ...]) -> bool:
    """Tell whether a call is one of the idioms that clear a whole buffer: then there is nothing to judge by effect."""
    if is_setting(call.display):
        return len(args) < 2 or args[1] is None
    return call.callee.name in {"zero_", "_foreach_zero_"} and (call.callee.name != "zero_" or args[0]._base is None)


def _idiom(call: Call, args: tuple[Any, ...]) -> str:
    """Return what people call it: ``grad.zero_``, ``grad = None``, ``del grad``, ``grad = value``, ``grad[...] =``."""
    if not is_setting(call.display):
        name = call.callee.name
        return {"__set__": "grad.data = value", "__setitem__": "grad[...] = value"}.get(name, f"grad.{name}")
    return "del grad" if len(args) < 2 else "grad = None" if args[1] is None else "grad = value"
