"""What the chain-rule pane says where gradients were changed or cleared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradb.frame.frame import Frame
from gradb.present.draw.text import to_text
from gradb.present.lines.change import Factor, shared_factor
from gradb.present.options import Options
from gradb.present.panes.chain import render, to_json
from gradb.tape.kinds.buffer import BufferChange
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.values import Stats, TensorValue
from tests.fakes.packing import value
from tests.unit.present.conftest import OpenExample


def large(low: float, high: float, norm: float) -> TensorValue:
    return TensorValue((64, 32), "float32", None, Stats(low, high, 0.0, 0, 0, 0, (), norm=norm))


CLIPPED = (
    BufferChange(1, "a", value([2.0, 3.0]), value([1.0, 1.5])),
    BufferChange(2, "b", value([6.0], ()), value([3.0], ())),
)


def at_change(example: OpenExample, detail: GradChangeDetail | ZeroGradDetail) -> Frame:
    return replace(example("chain_rule").frame(16), detail=detail)


def said(frame: Frame, width: int = 80) -> list[str]:
    return to_text(render(frame, Options(width=width)), width).splitlines()


def test_a_clip_says_norm_factor_and_each(example: OpenExample) -> None:
    """No node is shown in its place: the clause, one factor for all, and before and after."""
    frame = at_change(example, GradChangeDetail("clip_grad_norm_", CLIPPED, 7.0, 3.5))
    assert said(frame) == [
        "clip_grad_norm_() changed a, b: norm 7 → 3.5",
        "✓ after = before × 0.5, every element",
        "a.grad [2]  [2 3] → [1 1.5]",
        "b.grad scalar  6 → 3",
    ]
    told = to_json(frame, Options(width=80))["change"]
    assert isinstance(told, dict)
    assert told["factor"] == {"value": 0.5, "whole": True}
    assert (told["norm_before"], told["norm_after"]) == (7, 3.5)
    assert max(map(len, said(frame, 30))) <= 30


def test_of_large_gradients_norms_are_told(example: OpenExample) -> None:
    """What was not kept whole has its norms, and the factor is said as far as is known."""
    one = BufferChange(1, "w", large(-4.0, 2.0, 8.0), large(-1.0, 0.5, 2.0))
    text = "\n".join(said(at_change(example, GradChangeDetail("clip_grad_norm_", (one,), 8.0, 2.0))))
    assert "✓ after = before × 0.25, as far as is recorded" in text
    assert "w.grad [64 × 32]  norm 8 → norm 2" in text


def test_a_clearing_is_shown_as_such(example: OpenExample) -> None:
    """At zero_grad too the pane is about the event."""
    cleared = (BufferChange(1, "a", value([2.0, 3.0]), None),)
    frame = at_change(example, ZeroGradDetail("optimizer.zero_grad", cleared))
    assert said(frame) == ["optimizer.zero_grad() cleared a", "a.grad [2]  [2 3] → None"]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        (CLIPPED, Factor(0.5, is_of_all=True)),
        ((BufferChange(1, "a", value([2.0, 0.0]), value([-4.0, 0.0])),), Factor(-2.0, is_of_all=True)),
        ((BufferChange(1, "a", large(-4.0, 2.0, 8.0), large(-1.0, 2.0, 4.0)),), None),
        ((BufferChange(1, "a", large(-4.0, 2.0, 8.0), large(-4.0, 8.0, 16.0)),), None),
        ((BufferChange(1, "a", large(-4.0, 2.0, 8.0), large(-1.0, 0.5, 2.0)),), Factor(0.25, is_of_all=False)),
        ((BufferChange(1, "a", value([2.0, 3.0]), value([2.0, 2.5])),), None),
        ((BufferChange(1, "a", value([2.0, 0.0]), value([1.0, 1.0])),), None),
        ((BufferChange(1, "a", value([float("inf"), 1.0]), value([0.0, 0.5])),), None),
        ((BufferChange(1, "a", None, value([1.0])),), None),
    ],
)
def test_a_factor_is_said_only_where_all_share_it(changed: tuple[BufferChange, ...], wanted: Factor | None) -> None:
    """Clipping each number by itself, noise, and what is not known have none."""
    assert shared_factor(changed) == wanted
