"""Torch's own samples of its ops, under the tracer: the same gradients, and every product agrees with the engine."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_flatten, tree_map

from gradb.frame.reader import Tape
from tests.tracer.recording import notes, record

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

OPS = (
    "sgn mul div matmul pow softmax logsumexp cumprod cat gather index_select masked_fill max norm linalg.svd "
    "linalg.inv nn.functional.layer_norm nn.functional.conv2d nn.functional.multi_head_attention_forward var "
    "nn.functional.embedding where complex abs view_as_complex unbind split prod sort std_mean"
).split()


def _samples(name: str, dtype: torch.dtype) -> list[tuple[Any, Any]]:
    from tests.tracer.op_database import op_db

    op = next(op for op in op_db if op.name == name)
    torch.manual_seed(0)
    found = [(op.op, (s.input, s.args, s.kwargs)) for s in op.sample_inputs("cpu", dtype, requires_grad=True)]
    return found[:2]


def _run(op: Any, sample: Any) -> list[Any]:
    data = tree_map(lambda x: x.detach().clone().requires_grad_(x.requires_grad) if torch.is_tensor(x) else x, sample)
    torch.manual_seed(1)
    first, args, kwargs = data
    outputs = [o for o in tree_flatten(op(first, *args, **kwargs))[0] if torch.is_tensor(o) and o.requires_grad]
    torch.autograd.backward(outputs, [torch.randn(o.shape, dtype=o.dtype) for o in outputs])
    return [x.grad for x in tree_flatten(data)[0] if torch.is_tensor(x) and x.requires_grad]


def _assert_honest(tape: Tape) -> None:
    for event in tape.events():
        if event.kind not in {"node", "accumulate"}:
            continue
        frame = tape.frame(event.seq)
        for edge in frame.chain.edges if frame.chain is not None else ():
            assert edge.check is None or edge.check.is_ok, (event.name, edge)
        for buffer in frame.grads:
            assert buffer.check is None or buffer.check.is_ok, (event.name, buffer)


@pytest.mark.parametrize("name", OPS)
def test_samples_of_torchs_own(name: str, tmp_path: Path) -> None:
    """Gradients are equal to the last bit, nothing of ours fails, and no shown product or sum is wrong."""
    dtype = torch.float32 if name in {"complex", "view_as_complex"} else torch.float64
    for number, (op, sample) in enumerate(_samples(name, dtype)):
        plain = _run(op, sample)
        traced, tape = record(tmp_path / f"{number}.tape", functools.partial(_run, op, sample))
        for have, want in zip(traced, plain, strict=True):
            assert (have is None) == (want is None)
            assert have is None or torch.equal(have.resolve_conj().nan_to_num(), want.resolve_conj().nan_to_num())
        assert not notes(tape)
        _assert_honest(tape)


def test_a_complex_output_of_a_real_input(tmp_path: Path) -> None:
    """Probing with 1 and with i sees both halves of such a derivative: two rows an element of the output."""

    def script() -> None:
        real, imaginary = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        torch.view_as_real(torch.complex(real, imaginary)).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    event = next(event for event in tape.events() if event.kind == "node" and event.name == "ComplexBackward0")
    chain = tape.frame(event.seq).chain
    assert chain is not None
    shown = [(edge.local.form, edge.local.rows, edge.local.columns, edge.local.values) for edge in chain.edges]
    assert shown[0] == ("parts", 4, 2, (1, 0, 0, 0, 0, 1, 0, 0))
    assert shown[1] == ("parts", 4, 2, (0, 0, 1, 0, 0, 0, 0, 1))
    assert all(edge.check is not None and edge.check.is_ok for edge in chain.edges)
