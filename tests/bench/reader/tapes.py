"""The long tapes that keys are timed on, written by the fakes: the reader sees what a tracer could have written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
}  # fmt: skip
