"""The paths pane at singular points: it multiplies by the same local derivative that the chain pane shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options, PathChoice
from gradb.present.panes.table import PANES, pane_json
from gradb.rules import with_settled
from tests.tracer.recording import record

INF = math.inf
_Function = Callable[[torch.Tensor], torch.Tensor]


def recorded(path: Path, function: _Function, values: list[float]) -> Tape:
    def script() -> None:
        x = torch.tensor(values, requires_grad=True)
        function(x).sum().backward()

    return record(path / "run.tape", script)[1]


@pytest.mark.parametrize(
    ("function", "values", "diagonal"),
    [
        (lambda x: x.sqrt(), [0.0, 4.0, 9.0], [INF, 0.25, 1 / 6]),
        (lambda x: x.log(), [0.0, 4.0, 8.0], [INF, 0.25, 0.125]),
        (lambda x: x**0.5, [0.0, 4.0, 9.0], [INF, 0.25, 1 / 6]),
        (lambda x: x.acos(), [1.0, 0.0], [-INF, -1.0]),
    ],
)
def test_a_path_has_the_chain_pane_s_local_derivative(
    tmp_path: Path, function: _Function, values: list[float], diagonal: list[float]
) -> None:
    """Diagonal with an infinity, no column of NaN, and the product is what the engine made."""
    with recorded(tmp_path, function, values) as tape:
        frame = tape.frame(tape.head)
        paths = with_settled(frame.paths).chosen("x")
        assert paths is not None
        path = paths.path(1)
        assert [step.local.structure for step in path.steps] == ["sum", "diagonal"]
        assert path.steps[1].local.values == pytest.approx(diagonal)
        assert path.product is not None
        assert path.product.numbers() == pytest.approx(diagonal)
        assert paths.check is not None
        assert paths.check.is_ok
        assert "nan" not in to_text(PANES["paths"].render(frame, Options(width=100)), 100)
        (shown,) = pane_json("paths", frame, Options(paths=PathChoice(leaf="x")))["paths"]
        assert shown["product"]["nonfinite"]["nan"] == 0


def test_an_infinity_that_is_multiplied_by_a_zero_stays_what_it_is(tmp_path: Path) -> None:
    """Where the script's own gradient is 0 there, the engine's 0 × inf is NaN, and so is the path's."""
    with recorded(tmp_path, lambda x: x.sqrt() * torch.tensor([0.0, 1.0]), [0.0, 4.0]) as tape:
        paths = with_settled(tape.frame(tape.head).paths).chosen("x")
        assert paths is not None
        product, made = paths.path(1).product, paths.made.value
    assert product is not None
    assert made is not None
    assert str(product.numbers()) == str(made.numbers()) == "[nan, 0.25]"
