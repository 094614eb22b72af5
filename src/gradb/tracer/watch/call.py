"""One forward call on its way to the tape: what it is given, what it changes, what it returns, what it raises."""

from __future__ import annotations

from typing import Any

import torch

from gradb.tape.kinds.error import write_call
from gradb.tape.kinds.graph import RemarkKind
from gradb.tape.kinds.op import write as write_op
from gradb.tape.kinds.tensor import write_plain
from gradb.tape.oddity import UNREAD
from gradb.tape.schema import NONFINITE
from gradb.tape.wire import Blob
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.arguments import argument_text, tensors_in
from gradb.tracer.source.places import Found
from gradb.tracer.tensors.history import is_leaf, maker
from gradb.tracer.tensors.values import is_ordinary
from gradb.tracer.watch import torch_functions
from gradb.tracer.watch.checkpoints import STOP
from gradb.tracer.watch.gradients import GradWatch
from gradb.tracer.watch.torch_functions import Call
from gradb.tracer.watch.updates import UpdateWatch

UNSEEN = "nothing looked at them"
"""Why it was not seen what a call was about to change, where not even the look at it began."""


class ForwardCall:
    """One call on its way to the tape."""

    __slots__ = (
        "again",
        "args",
        "blind",
        "blob",
        "call",
        "calls",
        "composer",
        "found",
        "given",
        "grads",
        "inputs",
        "inside",
        "is_within",
        "kwargs",
        "made",
        "overwritten",
        "recorder",
        "texts",
        "updates",
    )

    def __init__(
        self,
        composer: Composer,
        grads: GradWatch,
        updates: UpdateWatch,
        call: Call,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.composer, self.grads, self.updates = composer, grads, updates
        self.call, self.args, self.kwargs = call, args, kwargs
        self.recorder = composer.recorder
        local = composer.local
        self.again: int | None = local.recomputing
        self.inside: int | None = local.inside if self.again is None else None
        self.is_within = self.again is not None or self.inside is not None
        """True inside of a backward, which makes it no part of the script's forward."""
        self.found: Found | None = None
        self.blob = Blob()
        self.inputs = tensors_in(args) + tensors_in(kwargs.values()) if kwargs else tensors_in(args)
        self.texts: list[str] | None = None
        self.given = self.made = 0
        """What is odd about the inputs, and about the results."""
        self.overwritten = 0
        """The same of what it only writes over."""
        self.blind = ""
        """Why it was not seen what the call was about to change; empty where nothing went wrong."""
        self.calls: int | None = None
        """seq of the first ATen call seen in it, 0 where there was none; None where nobody looked."""

    def before(self) -> None:
        """Look at what has to be seen before the call changes it."""
        try:
            self._look()
            self.blind = ""
        except Exception as error:
            self.grads.forget()
            self.texts = None
            self.blind = self.composer.missing("inputs", error, hides="gradients")

    def _look(self) -> None:
        if self.call.kind != torch_functions.OP:
            self._name_inputs()
        if self.call.kind == torch_functions.GRAD:
            self.grads.before_call(self.call, self.args, self.kwargs)
        elif self.call.genuine is None:
            if not self.is_hidden() and not self.composer.is_in_transform():
                self._take_inputs()  # a custom Function may change one, which is then an output of its node
        elif self.call.is_inplace or "out" in self.kwargs:
            if self.is_hidden() or self.composer.is_in_transform():
                return
            self._take_inputs()
            self.grads.before_call(self.call, self.args, self.kwargs, self.given)

    def after(self, result: Any) -> None:
        """Record the call, now that it has returned."""
        call = self.call
        if call.kind != torch_functions.OP:
            if call.kind == torch_functions.GRAD:
                self.grads.after_setting(call, self.args, self._locate())
                self.updates.set_data(call, self.args, self._locate())
            elif call.kind == torch_functions.RETAIN:
                self.composer.retain(self.args[0])
            return
        if self.texts is not None and self.grads.after_inplace(call, self.args, self._locate()):
            return
        is_single = isinstance(result, torch.Tensor)
        results = [result] if is_single else tensors_in((result,))
        if not results and call.is_inplace:
            results = tensors_in(self.args[:1])  # __setitem__ and what works on lists return nothing
        if not results or self.is_hidden() or self.composer.is_in_transform():
            return
        is_forward = not self.is_within and not call.is_inplace and self.updates.awaits_forward
        if is_forward and maker(results[0]) is not None and not self._locate().is_optimizer:
            self.updates.forward_begins(self.inputs)
        if call.is_blank or self.composer.blanks.known:
            self._see_blanks(results)
        if self.blind:
            self._give_up_inputs()
        elif self.texts is None:
            self._take_inputs()
        elif call.genuine is None:
            self._name_inputs()  # its forward has given them names of its own
        self._record(results, is_single)

    def _odd(self) -> int:
        """Return the flags of what is odd about the call: the blob has the results, no inputs any more."""
        made, births = self.made, self.composer.births
        run = self.composer.run() if self.is_within else None
        odd = self.blob.odd | self.given | self.overwritten | (0 if run is None else run.births.flags)
        if made:
            if not (self.call.is_inplace or "out" in self.kwargs):
                self.given |= made & UNREAD
            odd |= births.of_call(made, self.given, (*self.args, *self.kwargs.values()))
        return births.told(odd) if odd else 0

    def failed(self, error: Exception) -> None:
        """Record an error where torch raised it."""
        self.grads.forget()
        if isinstance(error, STOP):
            return
        self.recorder.settle()
        self.grads.error(error, self._locate().place.row, self._told_call)

    def _told_call(self) -> tuple[str, Blob]:
        """Return the wire form of the call, to be told with what it raised."""
        if self.is_hidden() or self.composer.is_in_transform():
            return "", self.blob
        try:
            if self.texts is None:
                self._take_inputs()
        except Exception as problem:
            self.composer.missing("inputs", problem)
            return "", Blob()
        return write_call(self.call.quoted, ",".join(self.texts or ()), self._arguments()), self.blob

    def _locate(self) -> Found:
        if self.found is None:
            self.found = self.composer.find(4)
        return self.found

    def is_hidden(self) -> bool:
        """Tell whether this happens inside an optimizer's step that nobody is stepping into."""
        return self._locate().is_optimizer and (self.grads.is_clearing or not self.composer.is_stepping())

    def _name_inputs(self) -> None:
        event, found = self.recorder.settle(), self._locate()
        if found.is_direct and not self.is_within and found.place.names.operands:
            self.composer.naming.arguments(found.place.names, self.call.callee, self.args, event)

    def see_leaves(self) -> None:
        """Name the inputs, and record the leaves among them that were never seen."""
        self._name_inputs()
        self.composer.leaves(self.inputs, self._locate().place.row)

    def makes_leaf(self, result: torch.Tensor) -> bool:
        """Tell whether a result is a leaf that is recorded as such, and not as an op's result."""
        return is_leaf(result) and not self.composer.tensors.record(result).is_leaf

    def _take_inputs(self) -> None:
        place = self._locate().place.row
        self.see_leaves()
        event, blob, told = self.recorder.next_seq, self.blob, self.composer.tensor
        if not (self.call.overwrites or "out" in self.kwargs):
            self.texts = [told(tensor, blob, event, place) for tensor in self.inputs]
            self.given, blob.odd = blob.odd, 0
            return
        self.texts, old = [], set(map(id, tensors_in((self.kwargs.get("out"), *self.args[: self.call.overwrites]))))
        for tensor in self.inputs:
            self.texts.append(told(tensor, blob, event, place))
            if id(tensor) in old:
                self.overwritten |= blob.odd & NONFINITE
            else:
                self.given |= blob.odd
            blob.odd = 0

    def _give_up_inputs(self) -> None:
        if self.blind == UNSEEN:
            self.blind = self.composer.missing("inputs", RuntimeError(UNSEEN), hides="gradients")
        value = self.composer.snapshots.missing(self.blind)
        self.given = UNREAD
        self.texts = [write_plain(self.composer.tensors.record(one).head, value) for one in self.inputs]

    def _record(self, results: list[torch.Tensor], is_single: bool) -> None:
        composer, call, found = self.composer, self.call, self._locate()
        event, place = self.recorder.settle(), found.place.row
        made = maker(results[0])
        is_named = found.is_direct and not self.is_within and bool(found.place.names.targets)
        if is_single and made is None and self.makes_leaf(results[0]):
            if is_named:
                composer.naming.results(found.place.names, call.callee, results, is_single, event)
            is_quiet = is_ordinary(results[0]) and not results[0].numel()
            composer.leaf(
                results[0], call.display, place, self.given, (*self.args, *self.kwargs.values()), is_quiet=is_quiet
            )
            return
        scope, new = composer.scope, []
        changed, is_update = self._updated(results) if call.is_inplace else (results, False)
        for tensor in changed:
            if (node := made if tensor is results[0] else maker(tensor)) is not None:
                new += composer.nodes.register(node, event, place, scope, (self.inputs, changed))
        if is_named:
            composer.naming.results(found.place.names, call.callee, results, is_single, event)
        texts, first = [], None
        for at, tensor in enumerate(changed, 1):
            text, node = composer.defined(tensor, self.blob, event, place)
            texts.append(text)
            if at <= len(results):
                self.made = self.blob.odd  # of the base of a view, what is odd in the rest of it was there before
            first = node if first is None else first
        name = made.name() if made is not None and new else call.display
        if self.is_within:
            self._remark(new, event)
        if call.is_inplace and not self.blob.odd:
            composer.births.overwritten(results)
        self.recorder.emit(
            "op", name, place, self._detail(texts, new), self.blob, scope=scope, node=first,
            is_quiet=not is_update and made is None and self._is_quiet(results), odd=self._odd(),
            phase="optimizer" if is_update or found.is_optimizer else "backward" if self.is_within else None,
        )  # fmt: skip

    def _remark(self, new: list[int], event: int) -> None:
        """Say of which node's backward new nodes are part."""
        kind: RemarkKind = "made_by" if self.again is None else "recomputed"
        by = self.inside if self.again is None else self.again
        for id_ in new if by or kind == "recomputed" else ():
            self.composer.writer.remark(id_, event, kind, str(by))

    def _see_blanks(self, results: list[torch.Tensor]) -> None:
        """Take note of memory that was only reserved, or is written to or read."""
        blanks = self.composer.blanks
        for tensor in results:
            if self.call.is_blank:
                blanks.made(tensor)
            elif self.call.is_inplace or "out" in self.kwargs:
                blanks.written(tensor)
        if not self.call.is_inplace:
            blanks.read(self.inputs, results)

    def _updated(self, results: list[torch.Tensor]) -> tuple[list[torch.Tensor], bool]:
        """Return all that an in-place call changed, and whether it is an update of a leaf by hand."""
        leaves = self.updates.leaves_of(self.call, self.args)
        if not leaves:
            self._see_data(results[0])
            base = results[0]._base  # a view shares its memory, and the base's grad_fn is a new one
            if base is None or is_leaf(base) or not self.composer.tensors.is_known(base):
                return results, False
            return [*results, base], False
        if any(leaf is not results[0] for leaf in leaves):
            self.composer.nodes.edited()
        updates = [self.updates.updated(leaf) for leaf in leaves] if self._is_by_hand() else []
        known = {id(tensor) for tensor in results}
        return [*results, *(leaf for leaf in leaves if id(leaf) not in known)], any(updates)

    def _see_data(self, changed: torch.Tensor) -> None:
        """Take note of a change by way of ``y.data``, which raises no version of y's: nodes may have saved it."""
        name = self.composer.tensors.record(changed).name
        if name is not None and name.endswith(".data"):
            self.composer.nodes.edited()

    def _is_quiet(self, results: list[torch.Tensor]) -> bool:
        for tensor in results:
            if maker(tensor) is not None:
                return False
        return not self._changes_leaf(results)

    def _detail(self, outputs: list[str], new: list[int]) -> str:
        return write_op(
            function=self.call.quoted, inputs=",".join(self.texts or ()), outputs=",".join(outputs),
            arguments=self._arguments(), nodes=new, is_inplace=self.call.is_inplace, calls=self.calls,
            is_within=self.is_within, inside=self.inside,
        )  # fmt: skip

    def _is_by_hand(self) -> bool:
        """Tell whether the script's own code, or a library's, asks for this change, and it is no initialisation."""
        return (self._locate().is_direct or self._locate().is_librarys) and not self.call.display.startswith(
            "torch.nn.init"
        )

    def _changes_leaf(self, results: list[torch.Tensor]) -> bool:
        return self.call.is_inplace and self._is_by_hand() and results[0].requires_grad

    def _arguments(self) -> str:
        try:
            return self._told_arguments()
        except Exception as error:
            self.composer.missing("arguments", error)
            return ""

    def _told_arguments(self) -> str:
        indexes = {id(tensor): i for i, tensor in enumerate(self.inputs)}
        texts = [argument_text("", value, indexes) for value in self.args]
        texts += [argument_text(key, value, indexes) for key, value in self.kwargs.items()]
        return ",".join(texts)
