"""Tapes of one training: as it was watched, and as some iterations of it were lived again, with the same numbers."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

from gradb.debugger.rerun.relived import Relived, folder_of, identity
from gradb.frame.reader import Tape
from gradb.tape import lineage
from gradb.tape.lineage import Lineage
from gradb.tape.values import TensorValue
from tests.fakes.backward import Autograd
from tests.fakes.examples import nonfinite, one_iteration
from tests.fakes.forward import Variable

SOURCE = (
    "w = tensor([1.0, 2.0], requires_grad=True)\nfor step in range(12):\n    optimizer.zero_grad()\n    y = w * x\n"
    "    z = y ** 2\n    loss = z.sum()\n    loss.backward()\n    optimizer.step()\n    print(step)\n"
)
ITERATIONS = 12
RATE = 0.01


def watched_run(path: Path, iterations: int = ITERATIONS) -> None:
    """Write the tape of the first run, of which nothing but losses and norms was kept."""
    with Autograd(path, "train.py", SOURCE) as tape:
        tape.set_depth("watch")
        w, _ = _begun(tape)
        for iteration in range(1, iterations + 1):
            w = _unseen(tape, w)
            _print(tape, iteration)
        tape.end()


def lived_again(first: Path, iteration: int, around: int = 1, iterations: int = ITERATIONS) -> Relived:
    """Write the tape of a second run beside that of the first: in full around an iteration, then it was ended."""
    folder = folder_of(first)
    folder.mkdir(exist_ok=True)
    path = folder / f"{iteration}.tape"
    low, high = max(iteration - around, 1), min(iteration + around, iterations)
    with Autograd(path, "train.py", SOURCE) as tape:
        if low > 1:
            tape.set_depth("watch")
        w, x = _begun(tape, is_seen=low == 1)
        for number in range(1, high + 1):
            if number == low > 1:
                w = tape.leaf("w", w.numbers)
                tape.take_stock([w])
            w = _unseen(tape, w) if number < low else one_iteration(tape, w, x, RATE, 0)
            if number < high or high == iterations:
                _print(tape, number)
        tape.end(None, f"ended by gradb after iteration {high}")
    with Tape.open(first) as of:
        lineage.write(path, Lineage(identity(of), first.name, iteration, low, high))
    return Relived(str(path), iteration, low, high)


def born_again(first: Path) -> Relived:
    """Put beside the tape of a first run one on which its first iteration has a NaN."""
    path = folder_of(first) / "1.tape"
    path.parent.mkdir()
    nonfinite(path)
    with Tape.open(first) as of:
        lineage.write(path, Lineage(identity(of), first.name, 1, 1, 1))
    return Relived(str(path), 1, 1, 1)


def _begun(tape: Autograd, *, is_seen: bool = False) -> tuple[Variable, Variable]:
    w = tape.leaf("w", [1.0, 2.0], line=1) if is_seen else tape.constant("w", [1.0, 2.0])
    return w, tape.constant("x", [3.0, 0.5])


def _print(tape: Autograd, iteration: int) -> None:
    if iteration % 3 == 0:
        tape.output(f"{iteration}\n", line=9)


def _unseen(tape: Autograd, w: Variable) -> Variable:
    """Make an iteration while only watching: loss, norm and step."""
    number = tape.iteration
    loss, norm, moved = _trained()[number - 1]
    tape.loss("loss", loss, 7)
    seq = tape.step_unseen(RATE, line=8)
    tape.iteration = number
    tape.point("grad_norm", "SGD", norm, seq)
    tape.iteration = number + 1
    return replace(w, value=moved)


@functools.cache
def _trained() -> list[tuple[float, float, TensorValue]]:
    """Return loss, gradient norm and the new w of each iteration, of a run that was recorded in full."""
    with tempfile.TemporaryDirectory() as folder:
        path, found = Path(folder) / "whole.tape", []
        with Autograd(path) as tape:
            w, x = _begun(tape, is_seen=True)
            for _ in range(ITERATIONS):
                w = one_iteration(tape, w, x, RATE, 0)
                found.append(w.value)
        with Tape.open(path) as tape:
            known = {one.kind: one.values for one in tape.series}
        return list(zip(known["loss"], known["grad_norm"], found, strict=True))
