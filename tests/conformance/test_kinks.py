"""What was measured at kinks, and that gradb's rules say it: for each version of torch that is known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gradb.frame.chain.record import Chain
from gradb.frame.reader import Tape
from gradb.rules.jacobian import entries
from gradb.rules.versions import MEASURED, measured
from tests.conformance.kinks import KINKS, PAGE, Kink, load, measure, page, versions
from tests.tracer.recording import record

pytestmark = pytest.mark.torch
INSTALLED = torch.__version__.partition("+")[0]
CHANGED = "clamp fmax fmin".split()


def _id(kink: Kink) -> str:
    return f"{kink.op} at {kink.where}"


def test_the_page_is_printed() -> None:
    """docs/kinks.md is what the measured values print as, and every row was measured with every version."""
    assert PAGE.read_text(encoding="utf-8") == page(load())
    assert versions(load()) == list(MEASURED)
    assert all(set(load()[kink.op][kink.where]) == set(MEASURED) for kink in KINKS)


@pytest.mark.skipif(INSTALLED not in MEASURED, reason="this version of torch was not measured")
def test_this_torch_sends_what_was_measured() -> None:
    """Measured again, with the torch that is installed, every row is the same."""
    assert {_id(kink): measure(kink) for kink in KINKS} == {
        _id(kink): load()[kink.op][kink.where][measured(INSTALLED)] for kink in KINKS
    }


def _chains(tape: Tape) -> list[Chain]:
    """Return the records of the nodes that the engine ran, in its order; the leaf is the last."""
    ran = [event for event in tape.events() if event.kind in {"node", "accumulate"}]
    return [chain for event in ran if (chain := tape.chain(event.node or 0, tape.head)) is not None]


def _sent(tape: Tape, release: str) -> list[float] | None:
    """Return what the rules of a version send to x, from the values on the tape; None where a formula is missing."""
    *chains, leaf = _chains(tape)
    received: dict[int, list[float]] = {chains[0].node: [1.0]}
    for chain in chains:
        for index, edge in enumerate(chain.edges):
            if edge.to is None:
                continue
            found = entries(replace(chain, torch=release), index)
            if found is None or edge.downstream is None:
                return None
            sent = received.setdefault(edge.to, [0.0] * math.prod(edge.downstream.shape))
            for i, j, weight in found:
                sent[j] += received[chain.node][i] * weight
    return received[leaf.node]


@pytest.mark.parametrize("kink", [k for k in KINKS if any(name in k.op for name in CHANGED)], ids=_id)
def test_rules_say_what_each_version_sends(tmp_path: Path, kink: Kink) -> None:
    """The rules that changed, followed from the loss to the leaf, give what was measured with each version."""

    def script() -> None:
        x = torch.tensor(kink.point, dtype=torch.float64, requires_grad=True)
        kink.call()(x).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    for release in MEASURED:
        sent = _sent(tape, release)
        assert sent is not None
        assert f"[{', '.join(f'{n:.7g}' for n in sent)}]" == load()[kink.op][kink.where][release]
