"""The Bessel functions, held against torch: it has the functions in every version, their derivatives since 2.15."""

from __future__ import annotations

import math

import pytest
import torch

from gradb.rules.bessel import BESSEL
from gradb.rules.model import Rule

pytestmark = pytest.mark.torch
POINTS = (1e-3, 0.3, 1.0, 2.5, 12.0, 19.0, 60.0)
"""Not 7: torch's own j1 and y1 are good for seven digits only there."""


def _ids(rule: Rule) -> str:
    return rule.node


@pytest.mark.parametrize("rule", BESSEL, ids=_ids)
def test_slopes_are_those_of_torchs_functions(rule: Rule) -> None:
    """The formula is the slope of torch's own function, by a central difference of four points."""
    function, slope = getattr(torch.special, rule.functions[0]), rule.parts[0].derivative
    assert slope is not None
    for x in POINTS:
        h = min(1e-3, x / 10)
        at = function(torch.tensor([x - 2 * h, x - h, x + h, x + 2 * h], dtype=torch.float64)).tolist()
        difference = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)
        assert math.isclose(
            slope({"self": x}), difference, rel_tol=1e-3 if x < 0.01 else 1e-6, abs_tol=1e-9 * abs(at[0])
        )


@pytest.mark.parametrize("rule", BESSEL, ids=_ids)
def test_the_engine_agrees(rule: Rule) -> None:
    """Where torch has the derivative the formula gives it, at 0 and below too."""
    function, slope = getattr(torch.special, rule.functions[0]), rule.parts[0].derivative
    assert slope is not None
    x = torch.tensor([*POINTS, 0.0, -0.5], dtype=torch.float64, requires_grad=True)
    out = function(x)
    if not out.requires_grad:
        pytest.skip("this torch cannot differentiate it")
    out.sum().backward()
    assert x.grad is not None
    for point, expected in zip(x.tolist(), x.grad.tolist(), strict=True):
        found = slope({"self": point})
        assert (math.isnan(found) and math.isnan(expected)) or math.isclose(
            found, expected, rel_tol=1e-6, abs_tol=1e-12
        )
