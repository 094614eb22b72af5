"""Every case of the gallery is judged as its docstring says; one that gradb cannot judge yet stands in ``pending``."""

from __future__ import annotations

import pytest

from tests.gallery import table
from tests.gallery.cases import Case, all_cases
from tests.gallery.pending import PENDING
from tests.gallery.running import PARENT
from tests.gallery.verdict import judge

CASES = all_cases()

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_finds_what_is_right_and_nothing_else(case: Case) -> None:
    """What is found in a broken training is what is wrong with it, and in a clean one nothing is."""
    verdict = judge(case, PARENT.run(case.path, ends_after=case.ends_after))
    if case.name in PENDING:
        assert not verdict.is_right, "it is judged right now: strike it from tests/gallery/pending.py"
        pytest.xfail(f"not judged right yet: {'; '.join(table.complaints(verdict))}")
    assert verdict.is_right, "\n".join(table.complaints(verdict))


def test_names_only_cases_that_there_are_as_pending() -> None:
    """What is pending is a case."""
    assert set(PENDING) <= {case.name for case in CASES}


def test_has_as_many_clean_cases_as_broken_ones() -> None:
    """A rule that alarms always would be wrong at least as often as right."""
    broken = sum(case.name.startswith("broken/") for case in CASES)
    assert len(CASES) - broken >= broken
