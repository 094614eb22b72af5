"""What `probe` understands, with the names of the node's tensors, and where it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.algebra.local import Local
from gradb.debugger.commands.probe import parse, probe
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.link.messages import Ask
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from tests.fakes import examples, value

A, OUT = value([0.0] * 6, (2, 3)), value([0.0] * 4, (2, 2))
UNKNOWN = Local("unknown", 0, 0, None)


def chain() -> Chain:
    """Return the record of out = A @ B, where B wants no gradient and S is a scalar."""
    edges = (
        ChainEdge(None, "", None, UNKNOWN, None, None),
        ChainEdge(1, "AccumulateGrad", Tensor(1, "A", A), UNKNOWN, A, None),
        ChainEdge(2, "AccumulateGrad", Tensor(2, "net.S", value([1.0], ())), UNKNOWN, None, None),
    )
    output = Tensor(3, "out", OUT, True, 5)
    op = OpDetail("torch.mm", (), (output,), (), (5,))
    return Chain(5, "MmBackward0", "done", 9, output, op, None, (OUT,), (), None, edges)


@pytest.mark.parametrize(
    ("argument", "ask"),
    [
        ("", Ask("full")),
        ("full", Ask("full")),
        ("row 3", Ask("row", 3)),
        ("row [1,0]", Ask("row", 2)),
        ("row out[1, 1]", Ask("row", 3)),
        ("row 0,1", Ask("row", 1)),
        ("column A[1,2]", Ask("column", 5, 1)),
        ("column [1,2]", Ask("column", 5, 1)),
        ("column 4", Ask("column", 4, 1)),
        ("column net.S", Ask("column", 0, 2)),
        ("random", Ask("random")),
        ("random 7", Ask("random", 7)),
        ("with 1, 0 -2.5", Ask("with", numbers=(1.0, 0.0, -2.5))),
        ("with [1,2]", Ask("with", numbers=(1.0, 2.0))),
    ],
)
def test_what_can_be_asked(argument: str, ask: Ask) -> None:
    """A row and a column are named by their element; without a name it is the first that there is."""
    assert parse(argument, chain()) == ask


@pytest.mark.parametrize(
    ("argument", "clause"),
    [
        ("all", "is not what can be probed"),
        ("row", "is not what can be probed"),
        ("random x", "is not what can be probed"),
        ("row B[0]", "'B' is no tensor of this node: there is out, out0"),
        ("row out[2,0]", "is no element of a tensor of shape [2, 2]"),
        ("row 4", "is no element of a tensor of shape [2, 2]"),
        ("row out", "is no element of a tensor of shape [2, 2]"),
        ("column A[0,0,0]", "is no element"),
        ("row (", "is no element"),
        ("with x", "is not a list of numbers"),
        ("with " + "1 " * 5000, "are more than"),
    ],
)
def test_what_cannot_be_asked(argument: str, clause: str) -> None:
    """Anything else gets one sentence."""
    with pytest.raises(UserError) as refused:
        parse(argument, chain())
    assert clause in str(refused.value)


def test_a_recording_cannot_be_probed(tmp_path: Path) -> None:
    """Without the script there is nothing to measure: one sentence, and nothing changes."""
    path = tmp_path / "run.tape"
    examples.chain_rule(path)
    debugger = Debugger.open(str(path))
    debugger.go(10)
    with pytest.raises(UserError, match="this is a recording"):
        probe(debugger, "")
    assert (debugger.position, debugger.is_running) == (10, False)
    debugger.close()
