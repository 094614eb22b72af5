"""Which writer records in the tests of the tracer: the one in C where it is built, or the one in Python.

What the writers do is the same, so all tests must pass with either. Each run tries both on a share of the tests that
touches every module on the way of an event; ``--writers both`` tries both on all, ``--writers python`` only that one.
What a test marked with ``only_c`` is about there is in C alone.

Where a test is marked with ``pairs(name=values, ...)`` each run tries rows in which any two values meet; ``--writers
both`` tries the whole product.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.pairs import pairs, product
from tests.tracer.both_ways import in_python

_SHARE = frozenset({
    "test_blanks", "test_conditions", "test_custom_functions", "test_events", "test_exceptions", "test_gaps",
    "test_leaves", "test_losses", "test_names", "test_outputs", "test_passing", "test_saved", "test_scaling",
    "test_script_breakpoints", "test_steps", "test_stopping", "test_threads", "test_updates", "test_user_hooks",
    "test_views",
})  # fmt: skip
"""Files of tests that every run tries with both: for each thing that is watched, and each that is composed, one."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have a test run once for each writer that it is to be tried with, and for each row of its parameters."""
    asked = str(metafunc.config.getoption("--writers"))
    for mark in metafunc.definition.iter_markers("pairs"):
        axes = {name: list(values) for name, values in mark.kwargs.items()}
        metafunc.parametrize(list(axes), product(axes) if asked == "both" else pairs(axes))
    if metafunc.definition.get_closest_marker("only_c"):
        return
    is_both = asked == "both" or (asked == "share" and metafunc.module.__name__.rpartition(".")[2] in _SHARE)
    if is_both or asked == "python":
        metafunc.parametrize("_writer", ["C", "Python"] if is_both else ["Python"], indirect=True)


@pytest.fixture(autouse=True)
def _writer(request: pytest.FixtureRequest) -> Iterator[None]:
    """Record with the writer that is asked for."""
    if getattr(request, "param", "C") == "C":
        yield
        return
    with in_python():
        yield


@pytest.fixture(scope="module", autouse=True)
def _aside() -> None:
    """Put aside what there is: compilers that a test has had torch load are looked through at each print otherwise."""
    gc.collect()
    gc.freeze()
