"""The tracer held against plain torch, on the hard uses of autograd."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.tracer.hard_cases import CASES
from tests.tracer.recording import notes, record

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def _bytes(tensor: torch.Tensor | None) -> bytes | None:
    if tensor is None:
        return None
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


@pytest.mark.parametrize("name", CASES)
def test_results_are_bit_identical(name: str, tmp_path: Path) -> None:
    """With and without the tracer a script gets the same bytes and leaves the same RNG state."""
    plain = CASES[name]()
    state = torch.random.get_rng_state()
    traced, tape = record(tmp_path / "run.tape", CASES[name])
    assert [_bytes(tensor) for tensor in traced] == [_bytes(tensor) for tensor in plain]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all("torch.func" in note for note in notes(tape))


@pytest.mark.parametrize("name", CASES)
def test_no_shown_product_disagrees(name: str, tmp_path: Path) -> None:
    """At every node run, upstream times local equals downstream wherever it was checked."""
    _, tape = record(tmp_path / "run.tape", CASES[name])
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
def test_every_frame_can_be_built(name: str, tmp_path: Path) -> None:
    """Every position has a Frame whose graph can be walked."""
    _, tape = record(tmp_path / "run.tape", CASES[name])
    for position in range(tape.head + 1):
        frame = tape.frame(position)
        for index in range(len(frame.graph)):
            frame.graph.state(frame.graph.row(index).node)
