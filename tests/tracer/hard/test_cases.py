"""The tracer held against plain torch, on the hard uses of autograd."""

from __future__ import annotations

import pytest
import torch

from tests.tracer.exact import bits
from tests.tracer.hard.cases import CASES
from tests.tracer.hard.seeing import recorded
from tests.tracer.recording import notes

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.mark.parametrize("name", CASES)
def test_results_are_bit_identical(name: str) -> None:
    """With and without the tracer a script gets the same bytes and leaves the same RNG state."""
    plain = CASES[name]()
    state = torch.random.get_rng_state()
    traced = recorded(name)
    assert bits(traced.left) == bits(plain)
    assert torch.equal(traced.random, state)
    assert all("torch.func" in note for note in notes(traced.tape))


@pytest.mark.parametrize("name", CASES)
def test_every_frame_can_be_built_and_no_product_disagrees(name: str) -> None:
    """Every position has a Frame whose graph can be walked; at every node run, upstream times local equals downstream
    wherever it was checked.
    """
    tape = recorded(name).tape
    seen = 0
    for position in range(tape.head + 1):
        frame = tape.frame(position)
        for index in range(len(frame.graph)):
            frame.graph.state(frame.graph.row(index).node)
        if frame.event is None or frame.event.kind != "node" or frame.chain is None:
            continue
        seen += 1
        for edge in frame.chain.edges:
            assert edge.check is None or edge.check.is_ok, (frame.event.name, edge)
    assert seen or name == "threads"
