"""An exception that ends the script is shown as Python would show it without gradb."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from gradb.tracer import PACKAGE
from gradb.tracer.process.execute import strip

_OURS = """
def call(function):
    try:
        raise RecursionError("of ours")
    except RecursionError:
        function()
"""


def _from_one_never_raised() -> None:
    raise KeyError("a") from ValueError("b")


def _group_of_some_never_raised() -> None:
    raise ExceptionGroup("both", [ValueError("a"), TypeError("b")])


def _while_another_is_handled() -> None:
    try:
        _from_one_never_raised()
    except KeyError:
        raise OSError("c")  # noqa: B904 - the context is what is meant


@pytest.mark.parametrize(
    "function",
    [_from_one_never_raised, _group_of_some_never_raised, _while_another_is_handled],
    ids=lambda f: f.__name__,
)
def test_what_an_error_is_linked_to_stays_as_it_is(function: Callable[[], None]) -> None:
    """Causes, contexts and groups are the script's own, those too that were never raised; what gradb caught is not."""
    names: dict[str, Any] = {}
    exec(compile(_OURS, PACKAGE + "made_up.py", "exec"), names)
    shown = []
    for call in (lambda: names["call"](function), function):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - of each kind
            call()
        strip(caught.value)
        lines = traceback.format_exception(caught.value)
        shown.append([line for line in lines if "test_what_an_error" not in line and "<lambda>" not in line])
    assert shown[0] == shown[1]
