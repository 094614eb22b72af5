"""The long tapes that keys are timed on, written by the fakes: the reader sees what a tracer could have written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradb.debugger.branches.beside import folder_of as branches_of, identity as branch_identity
from gradb.debugger.rerun.relived import folder_of as relived_of, identity as lived_identity
from gradb.frame.reader import Tape
from gradb.tape import branching, lineage
from gradb.tape.branching import Origin
from gradb.tape.lineage import Lineage
from tests.fakes import TapeBuilder, diagonal
from tests.fakes.blocks import network
from tests.fakes.examples import saved_of
from tests.fakes.forward import Variable

_EVENTS_OF_OP = 3  # the op, and its node's start and end
_SOURCE = "".join(f"h = layer{line}(h)\n" for line in range(1, 61))
_COMMITTED = 5000
_WORDS = {"Mul": 2.0, "Add": 1.0, "Relu": 1.0, "Tanh": 0.5, "Sigmoid": 1.0}


@dataclass(frozen=True, slots=True)
class Load:
    """One long tape."""

    name: str
    text: str
    """What it is, for the table."""
    write: Callable[[Path], None]
    quick: Callable[[Path], None]
    """The same, a hundredth of it."""
    until: str = ""
    """Where a script stands that is looked at while it lives; empty: it is over."""


def graph(path: Path, nodes: int, events: int) -> None:
    """Write one graph of so many nodes, its backward, and small iterations up to so many events."""
    TapeBuilder.big(path, nodes=nodes, events=events)


def training(path: Path, iterations: int, events: int = 1000, parameters: int = 40) -> None:
    """Write a training: iterations of about so many events each, every parameter used and stepped in each."""
    with TapeBuilder(path, "train.py", _SOURCE) as tape:
        known = [tape.leaf(f"layers.{number}.weight", [1.0, 0.5], line=1) for number in range(parameters)]
        x = tape.constant("x", [1.0, 2.0])
        for number in range(iterations):
            made = _forward(tape, x, known, max((events - 2 * parameters - 5) // _EVENTS_OF_OP, parameters))
            tape.zero_grad(known, line=57)
            tape.backward(made[-1], gradient=[1e-3, 1e-3], line=58)
            tape.point("loss", "loss", 1.0 / (number + 1), tape.head, 58)
            known = tape.step(known, 1e-6, line=59)
            tape.let_go(*made)
            if number % 10 == 0:
                tape.output(f"iteration {number}\n", line=60)
            if tape.writer.pending > _COMMITTED:
                tape.commit()
        tape.end()


def _forward(tape: TapeBuilder, x: Variable, parameters: list[Variable], ops: int) -> list[Variable]:
    """Make a chain of ops, a parameter fed into every few of them."""
    h, made, words = x, list[Variable](), list(_WORDS)
    every = ops // len(parameters)
    for number in range(ops):
        index, rest = divmod(number, every)
        word = words[number % len(words)]
        slope = diagonal([_WORDS[word]] * 2)
        given: list[Variable | float] = [h]
        if rest == 0 and index < len(parameters):
            given.append(parameters[index])
        h = tape.op(
            f"Tensor.{word.lower()}", f"{word}Backward0", given, [1.0, 2.0], name="h" if number < ops - 1 else "loss",
            line=1 + number * 55 // ops, columns=(0, 5), jacobians=[slope if one is not x else None for one in given],
        )  # fmt: skip
        tape.save(h, saved_of("self", h, storage=h.id))
        made.append(h)
    return made


def wide(path: Path, edges: int) -> None:
    """Write a node of so many edges, each to what is made of a leaf of its own, and what a backward makes of that."""
    with TapeBuilder(path, "train.py", _SOURCE) as tape:
        leaves = [tape.leaf(f"w.{number}", [1.0], line=1) for number in range(edges)]
        for _ in range(2):
            made = [
                tape.op("Tensor.mul", "MulBackward0", [one, 2.0], [2.0], line=2, jacobians=[diagonal([2.0]), None])
                for one in leaves
            ]
            total = tape.op(
                "torch.cat",
                "CatBackward0",
                made,
                [2.0 * edges],
                name="total",
                line=3,
                jacobians=[diagonal([1.0])] * edges,
            )
            tape.backward(total, gradient=[1.0], line=58)
        leaves = tape.step(leaves, 1e-6, line=59)
        tape.end()


def beside(path: Path, iterations: int, events: int) -> None:
    """Write a training, and beside it two branches and three iterations that were lived again."""
    training(path, iterations, events, parameters=10)
    first = path.with_suffix(".tape")
    for folder in (branches_of(first), relived_of(first)):
        folder.mkdir(exist_ok=True)
    with Tape.open(path) as tape:
        run, lived = branch_identity(tape), lived_identity(tape)
    for number in (1, 2):
        branch = branches_of(first) / f"{number}.tape"
        shutil.copyfile(path, branch)
        branching.write(branch, Origin(run, first.name, "7", 1, 7, "lr", f"1e-{number}", 3))
    for iteration in (iterations // 4, iterations // 2, iterations - 2):
        again = relived_of(first) / f"{iteration}.tape"
        again.unlink(missing_ok=True)
        training(again, iteration + 1, events, parameters=10)
        lineage.write(again, Lineage(lived, first.name, iteration, iteration - 1, iteration + 1))


LOADS = {
    "graph": Load(
        "graph", "a graph of 100,000 nodes, then 20,000 small iterations: 1,000,000 events",
        lambda path: graph(path, 100_000, 1_000_000), lambda path: graph(path, 1000, 10_000),
    ),
    "training": Load(
        "training", "1,000 iterations of 1,000 events, 40 parameters",
        lambda path: training(path, 1000), lambda path: training(path, 10),
    ),
    "parameters": Load(
        "parameters", "3 iterations of a training of 2,000 parameters",
        lambda path: training(path, 3, parameters=2000), lambda path: training(path, 3, parameters=20),
    ),
    "network": Load(
        "network", "a network of 6,250 equal blocks: 100,000 nodes made in modules",
        lambda path: network(path, 6250), lambda path: network(path, 60),
    ),
    "wide": Load(
        "wide", "a node of 2,000 edges, and as many leaves",
        lambda path: wide(path, 2000), lambda path: wide(path, 100),
    ),
    "beside": Load(
        "beside", "400 iterations of 200 events, with branches and iterations that were lived again beside it",
        lambda path: beside(path, 400, 200), lambda path: beside(path, 8, 60),
    ),
    "live20": Load(
        "live20", "a live script that has made 20,000 nodes",
        lambda path: graph(path, 20_000, 60_100), lambda path: graph(path, 200, 700), "until line 3",
    ),
    "live100": Load(
        "live100", "a live script that has made 100,000 nodes",
        lambda path: graph(path, 100_000, 300_100), lambda path: graph(path, 1000, 3100), "until line 3",
    ),
}  # fmt: skip
