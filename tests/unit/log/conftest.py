"""Both pens, for the tests of this folder."""

from __future__ import annotations

import pytest

from gradb.log.pen import MakePen, PythonPen
from gradb.tracer.native.loading import standing


@pytest.fixture(params=["Python", "C"])
def make_pen(request: pytest.FixtureRequest) -> MakePen:
    """Give what makes either pen; where the C one was not built there is none to try."""
    if request.param == "Python":
        return PythonPen
    if standing().module is None:
        pytest.skip(standing().text)
    made: MakePen = standing().module.Pen
    return made
