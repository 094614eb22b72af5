"""formulas.json is what the generator makes of the torch that is installed."""

from __future__ import annotations

import pytest

from tests.conformance.generate_formulas import TARGET, generate, load, merged, render


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_formulas_are_generated() -> None:
    """Generating the file again changes nothing."""
    assert render(merged(load(), generate())) == TARGET.read_text(encoding="utf-8")
