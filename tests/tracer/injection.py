"""Makes each part of the tracer fail, one after the other, in the recording of a training that uses all of them.

``python -m tests.tracer.injection`` goes through every function that is called beneath the guard; the suite takes a
sample. What must hold is ``check``: the script's results have the same bits, the tape opens, what is missing is on it
and counted; where it fails once, each event of which nothing is missing is as in a recording without a failure. With a
change from outside in force it is ``check_change``: a failure lets it be or ends it, for all parameters and for good.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import itertools
import pkgutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import gradb.tracer
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.missing import read_failures
from gradb.tracer.isolation import signals as shielding
from tests.fakes.flat import flatten
from tests.tracer.recording import record

SKIPPED = frozenset(
    {
        "__del__", "_forget", "PythonMark.__init__", "guard", "intervene", "attempt", "lost",
        "entered", "inside", "_recomputed", "_away", "_switch", "ModuleScopes._left",
    }
)  # fmt: skip
"""What Python calls by itself, where nothing can be caught, the guard itself, and what runs around the script's code
outside of the guard, where it is only kept from being left half-way by a handler of a signal."""
_FAILURES = frozenset({"failures", "signals"})
"""Modules that are at work only when something has failed already, or never may."""


_LATE = frozenset({"leaf", "grad_change", "zero_grad", "op"})
"""What may stand for an event that is lost: a leaf met again, a change of .grad of which less is known."""


class InjectedError(Exception):
    """Raised by a part that is made to fail."""


# --- the script -------------------------------------------------------------------------------------------------------


class _Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        x: torch.Tensor = ctx.saved_tensors[0]
        return grad * 2 + 0 * x


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.first(x))
        again = checkpoint(torch.sigmoid, hidden, use_reentrant=False)
        out: torch.Tensor = self.second(_Double.apply(again))  # type: ignore[no-untyped-call]
        return out


def train() -> list[torch.Tensor]:
    """Use what there is of autograd, and return every loss, gradient and weight."""
    torch.manual_seed(0)
    model, x = _Net(), torch.ones(2, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    found: list[torch.Tensor] = []
    handles = [
        model.first.weight.register_hook(lambda grad: grad * 2),
        model.second.weight.register_post_accumulate_grad_hook(lambda leaf: None),
        model.second.register_full_backward_hook(lambda module, given, sent: None),
    ]
    for step in range(2):
        optimizer.zero_grad(set_to_none=not step)
        out = model(x)
        out.retain_grad()
        loss = out.square().sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        found += [loss.detach().clone(), out.grad.clone()]
    for handle in handles:
        handle.remove()
    found += _by_hand()
    with contextlib.suppress(RuntimeError):
        torch.ones(2) @ torch.ones(3)
    return found + [one.detach().clone() for one in model.parameters()]


def _by_hand() -> list[torch.Tensor]:
    w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    for _ in range(2):
        first, *rest = (w * w).unbind()
        loss = (first + sum(rest)) * w[0:1].sum()
        loss.backward(retain_graph=True)
        with torch.no_grad():
            w -= 0.1 * w.grad  # type: ignore[operator]
            w.data = w.data * 1.5
        w.grad.zero_()  # type: ignore[union-attr]
        w.grad = None
    (gradient,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), w)
    torch.optim.LBFGS([w], max_iter=2).step(lambda: _closure(w))
    del w.grad
    return [w.detach().clone(), gradient.detach().clone(), second.clone()]


def _closure(w: torch.Tensor) -> torch.Tensor:
    w.grad = None
    loss = (w * w).sum()
    loss.backward()
    return loss


def steer() -> list[tuple[str, tuple[float, ...]]]:
    """Clear, step and accumulate with two optimizers; return what each of these did to each of its parameters.

    The gradient of each parameter is 1 in each backward. ``cleared`` is 1 where a call has cleared, ``rate`` is the
    learning rate of the step that was made, and ``fresh`` is 1 where a backward has added to nothing.
    """
    leaves = [torch.zeros(2, requires_grad=True) for _ in range(4)]
    groups: list[dict[str, Any]] = [{"params": leaves[:1], "lr": 0.25}, {"params": leaves[1:3], "lr": 0.25}]
    optimizers = [torch.optim.SGD(groups), torch.optim.SGD(leaves[3:], lr=0.25)]
    seen: list[tuple[str, tuple[float, ...]]] = []
    for number in range(4):
        sum(leaf.sum() for leaf in leaves).backward()  # type: ignore[union-attr]
        if number % 2:
            seen.append(("fresh", tuple(float(_grad(leaf)[0] == 1) for leaf in leaves)))
        for optimizer in optimizers:
            mine = [leaf for group in optimizer.param_groups for leaf in group["params"]]
            before = [leaf.detach().clone() for leaf in mine]
            optimizer.step()
            moves = [float(((old - leaf.detach()) / _grad(leaf))[0]) for old, leaf in zip(before, mine, strict=True)]
            seen.append(("rate", tuple(moves)))
        if number % 2:
            for optimizer in optimizers:
                optimizer.zero_grad()
                mine = [leaf for group in optimizer.param_groups for leaf in group["params"]]
                seen.append(("cleared", tuple(float(leaf.grad is None) for leaf in mine)))
    return seen


def _grad(leaf: torch.Tensor) -> torch.Tensor:
    assert leaf.grad is not None
    return leaf.grad


# --- what can fail ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A function of the tracer's, and where it is looked up."""

    name: str
    owners: tuple[tuple[Any, str], ...]
    """(module or class, name) of every place that holds it."""
    count: int
    """How often it is called beneath the guard in a clean run."""
    is_bare: bool
    """It is called outside of ``Composer.guard`` too, where nothing else keeps a failure from the script."""

    @contextlib.contextmanager
    def broken(self, is_called: Callable[[int], bool]) -> Iterator[list[int]]:
        """Make the calls fail for which ``is_called`` is true of their number, from 0; yields how many did."""
        numbers, failed = itertools.count(), [0]
        original = _get(*self.owners[0])

        def wrap(inner: Any) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                if shielding.shields_above(sys._getframe(1)) and is_called(next(numbers)):
                    failed[0] += 1
                    raise InjectedError(f"{self.name} was made to fail")
                return inner(*args, **kwargs)

            # Where the script is, is the first frame outside of the tracer: this one has to count as the tracer's.
            call.__code__ = call.__code__.replace(co_filename=shielding.__file__)
            return functools.wraps(inner)(call)

        if isinstance(original, property):
            replacement: Any = property(wrap(original.fget))
        elif isinstance(original, staticmethod):
            replacement = staticmethod(wrap(original.__func__))
        else:
            replacement = wrap(original)
        before = [(owner, name, _get(owner, name)) for owner, name in self.owners]
        try:
            for owner, name, _ in before:
                setattr(owner, name, replacement)
            yield failed
        finally:
            for owner, name, old in before:
                setattr(owner, name, old)


def _get(owner: Any, name: str) -> Any:
    return vars(owner)[name]


def _called(
    path: Path, changes: list[Intervention], script: Callable[[], Any]
) -> tuple[dict[CodeType, int], set[CodeType]]:
    """Return the code of every function that runs beneath the guard, and how often; and which run outside of it too."""
    found: dict[CodeType, int] = {}
    bare: set[CodeType] = set()
    calls: set[tuple[CodeType, CodeType]] = set()
    folder = str(Path(gradb.tracer.__file__ or "").parent)

    def see(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        caller = frame.f_back
        if event == "call" and code.co_filename.startswith(folder) and shielding.shields_above(caller):
            found[code] = found.get(code, 0) + 1
            if caller is not None and (code, caller.f_code) not in calls:
                calls.add((code, caller.f_code))
                if not _is_guarded(caller, folder):
                    bare.add(code)

    sys.setprofile(see)
    try:
        record(path, script, changes=changes)[1].close()
    finally:
        sys.setprofile(None)
    return found, bare


def _is_guarded(frame: FrameType | None, folder: str) -> bool:
    """Tell whether the guard is nearer than what called the tracer."""
    while frame is not None and frame.f_code.co_filename.startswith((folder, contextlib.__file__)):
        if frame.f_code.co_qualname == "Composer.guard":
            return True
        frame = frame.f_back
    return False


def parts(folder: Path, changes: list[Intervention], script: Callable[[], Any] = train) -> deque[Part]:
    """Return every function of the tracer's that is called beneath the guard, in the order of their names.

    In a deque, as the events of a clean recording: a list among the variables of who records is looked through for
    names of tensors, again at each recording.
    """
    called, bare = _called(Path(tempfile.mkdtemp(dir=folder)) / "parts.tape", changes, script)
    holders: dict[CodeType, list[tuple[Any, str]]] = {}
    for owner, name, code in _functions():
        if code in called:
            holders.setdefault(code, []).append((owner, name))
    found = [
        Part(_name(code), tuple(owners), called[code], code in bare)
        for code, owners in holders.items()
        if not {code.co_name, code.co_qualname} & SKIPPED and Path(code.co_filename).stem not in _FAILURES
    ]
    return deque(sorted(found, key=lambda part: part.name))


def names() -> set[str]:
    """Return the names of all functions of the tracer's, called or not."""
    return {_name(code) for _, _, code in _functions()}


def _name(code: CodeType) -> str:
    return f"{Path(code.co_filename).stem}.{code.co_qualname}"


def _functions() -> Iterator[tuple[Any, str, CodeType]]:
    """Yield each module or class of the tracer's with the name and the code of each function that it holds."""
    for found in pkgutil.walk_packages(gradb.tracer.__path__, "gradb.tracer."):
        last = found.name.rpartition(".")[2]
        if last == "__main__" or last in _FAILURES:
            continue
        module = importlib.import_module(found.name)
        classes = [
            value for value in vars(module).values() if isinstance(value, type) and value.__module__ == found.name
        ]
        for owner in (module, *classes):
            for name, value in list(vars(owner).items()):
                code = _code(value)
                if code is not None:
                    yield owner, name, code


def _code(value: Any) -> CodeType | None:
    if isinstance(value, property):
        value = value.fget
    value = getattr(value, "__func__", value)
    value = getattr(value, "__wrapped__", value)
    return value.__code__ if isinstance(value, FunctionType) else None


# --- what must hold ---------------------------------------------------------------------------------------------------

Seen = tuple[str, int | None, bytes]
"""Kind, line and the bytes of the values of one event."""


@dataclass(frozen=True)
class Clean:
    """A recording in which nothing fails."""

    results: list[torch.Tensor]
    events: deque[Seen]

    @property
    def kinds(self) -> list[str]:
        """The kind of each event."""
        return [event[0] for event in self.events]


def kinds_of(tape: Tape) -> list[str]:
    """Return the kind of each event that is none of gradb's own, after reading every detail."""
    for event in tape.events():
        tape.detail(event.seq)
    return [event.kind for event in tape.events() if event.kind != "note"]


def _events(path: Path) -> tuple[list[Seen], set[int]]:
    """Return the events that are none of gradb's own, and which of them have something missing."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        flatten(db)
        rows = db.execute(
            "SELECT kind, line, coalesce(data, x''), seq FROM event WHERE kind <> 'note' ORDER BY seq"
        ).fetchall()
        missing = {seq for (seq,) in db.execute("SELECT event FROM missing")}
    return [row[:3] for row in rows], {number for number, row in enumerate(rows) if row[3] in missing}


def clean(folder: Path) -> Clean:
    """Record the script as it is."""
    results, tape = record(folder / "clean.tape", train)
    with tape:
        kinds_of(tape)
    return Clean(results, deque(_events(folder / "clean.tape")[0]))


def check(part: Part, folder: Path, whole: Clean, *, always: bool) -> None:
    """Record the script with a part that fails, once in the middle or always, and look at what must hold.

    Raises:
        AssertionError: something does not hold.
    """
    path = folder / f"{part.name}-{always}.tape".replace("<locals>", "")
    with part.broken(lambda number: always or number == part.count // 2) as failed:
        results, tape = record(path, train)
    with tape:
        kinds, counted = kinds_of(tape), read_failures(tape.fact("failures"))
    assert len(results) == len(whole.results)
    assert all(torch.equal(one, other) for one, other in zip(results, whole.results, strict=True)), "other results"
    if not failed[0]:
        return
    missing = len(whole.kinds) - len(kinds)
    assert counted or kinds == whole.kinds, f"{missing} events are missing, and nothing says so"
    if not always:
        extra = Counter(kinds) - Counter(whole.kinds)
        assert not set(extra) - _LATE, f"there are events that there should not be: {extra}"
        _hold_against(whole, *_events(path))


def _hold_against(whole: Clean, events: list[Seen], incomplete: set[int]) -> None:
    """Hold each event of which nothing is missing against the recording without a failure, where it has its like.

    The line of a node is where the op that made it was called: where that was not seen, the node says no line. That of
    a leaf is where it was first seen: where its own event does not tell of its node, at the first op that uses it.
    """
    left, without = set(range(len(events))) - incomplete, set(range(len(whole.events)))
    for old, new, count in difflib.SequenceMatcher(None, whole.events, events, autojunk=False).get_matching_blocks():
        left -= set(range(new, new + count))
        without -= set(range(old, old + count))
    moved = Counter(whole.events[number] for number in without)
    lines = {None, *(events[number][1] for number in left if events[number][0] == "leaf")}
    if any(events[number][0] == "leaf" for number in incomplete):
        lines.update(line for kind, line, _ in events if kind == "op")
    at_nodes = [event for event in moved.elements() if event[0] in {"node_start", "node", "accumulate"}]
    moved.update((kind, line, data) for kind, _, data in at_nodes for line in lines)
    others = [events[number] for number in sorted(left) if events[number][0] not in _LATE]
    others = list((Counter(others) - moved).elements())
    assert not others, f"there are events that are others, and nothing says so: {others[:3]}"


CHANGES = (Intervention("zero_grad", "off"), Intervention("zero_grad", "on"), Intervention("lr", "0.5"))
_IN_FORCE = {"off": ("cleared", 0.0), "on": ("fresh", 1.0), "0.5": ("rate", 0.5)}
"""What a change does, and what is seen of it as long as it is in force."""


def check_change(part: Part, folder: Path, change: Intervention, *, always: bool) -> None:
    """Record ``steer`` with a change from outside and a part that fails, and look at what must hold.

    Raises:
        AssertionError: the change is in force for some parameters, or again after it had ended, or ends unsaid.
    """
    path = folder / f"{part.name}-{always}-{change.value}.tape".replace("<locals>", "")
    with part.broken(lambda number: always or number == part.count // 2):
        seen, tape = record(path, steer, changes=[change])
    with tape:
        kinds_of(tape)
        ends = [one for e in tape.events() if isinstance(one := tape.detail(e.seq), InterventionDetail)][1:]
        counted = read_failures(tape.fact("failures"))
    what, value = _IN_FORCE[change.value]
    states = [{one == value for one in each} for kind, each in seen if kind == what]
    assert all(len(each) == 1 for each in states), f"half in force: {seen}"
    order = [each.pop() for each in states]
    assert order == sorted(order, reverse=True), f"in force again: {order}"
    assert order[-1] or (ends and ends[-1].after == "script") or counted, "it ended, and nothing says so"
    for kind, each in seen:
        usual = {"cleared": 1.0, "rate": 0.25}.get(kind)
        assert kind == what or usual is None or set(each) == {usual}, f"{kind} is another: {each}"


def main() -> int:
    """Make every part fail, once and always, also with each change in force; return 1 where something does not hold."""
    start, broken, count = time.process_time(), 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = clean(folder)
        checks: list[tuple[str, Part, Callable[..., None]]] = [
            ("", part, functools.partial(check, part, folder, whole)) for part in parts(folder, [])
        ]
        for change in CHANGES:
            checks += [
                (f"{change.what} {change.value}, ", part, functools.partial(check_change, part, folder, change))
                for part in parts(folder, [change], steer)
            ]
        for what, part, must_hold in checks:
            for always in (False, True):
                count += 1
                try:
                    must_hold(always=always)
                except Exception as error:
                    broken += 1
                    print(f"{part.name} ({what}{'always' if always else 'once'}): {type(error).__name__}: {error}")
    print(f"{count} failures, {broken} of which do harm; {time.process_time() - start:.0f} s of CPU time")
    return bool(broken)


if __name__ == "__main__":
    raise SystemExit(main())
