"""The tracer held against plain torch, on the hard uses of autograd."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pytest
import torch

from gradb.frame.reader import Tape
from tests.tracer.exact import bits
from tests.tracer.hard.cases import CASES
from tests.tracer.hard.seeing import new_tape
from tests.tracer.recording import notes, record

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A case that was run under the tracer."""

    left: list[torch.Tensor | None]
    random: torch.Tensor
    """State of the generator when it was done."""
    tape: Tape


@functools.cache
def _recorded(name: str) -> _Recorded:
    """Record a case, once for all tests of it."""
    left, tape = record(new_tape(), CASES[name])
    return _Recorded(left, torch.random.get_rng_state(), tape)


@pytest.mark.parametrize("name", CASES)
def test_results_are_bit_identical(name: str) -> None:
    """With and without the tracer a script gets the same bytes and leaves the same RNG state."""
    plain = CASES[name]()
    state = torch.random.get_rng_state()
    traced = _recorded(name)
    assert bits(traced.left) == bits(plain)
    assert torch.equal(traced.random, state)
    assert all("torch.func" in note for note in notes(traced.tape))


@pytest.mark.parametrize("name", CASES)
def test_no_shown_product_disagrees(name: str) -> None:
    """At every node run, upstream times local equals downstream wherever it was checked."""
    tape = _recorded(name).tape
    seen = 0
    for event in tape.events():
        frame = tape.frame(event.seq)
        if event.kind != "node" or frame.chain is None:
            continue
        seen += 1
        for edge in frame.chain.edges:
            assert edge.check is None or edge.check.is_ok, (event.name, edge)
    assert seen or name == "threads"


@pytest.mark.parametrize("name", CASES)
def test_every_frame_can_be_built(name: str) -> None:
    """Every position has a Frame whose graph can be walked."""
    tape = _recorded(name).tape
    for position in range(tape.head + 1):
        frame = tape.frame(position)
        for index in range(len(frame.graph)):
            frame.graph.state(frame.graph.row(index).node)
