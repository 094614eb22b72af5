"""What the event of an error tells: the call that raised, what that was given, and whether torch raised at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.tape.kinds.error import ErrorDetail
from tests.tracer.both_ways import in_python
from tests.tracer.errors.scripts import record_script

_MISFIT = """
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(4, 2))
    model(torch.ones(1, 3))
    """


def _errors(path: Path, script: str) -> list[ErrorDetail]:
    _, tape = record_script(path, script)
    with tape:
        details = [tape.detail(event.seq) for event in tape.events() if event.kind == "error"]
    return [detail for detail in details if isinstance(detail, ErrorDetail)]


def test_the_call_that_raised_and_what_it_was_given(tmp_path: Path) -> None:
    """Function, inputs by name and shape, and arguments, as an op that returned would tell them."""
    raised, uncaught = _errors(tmp_path, _MISFIT)
    assert raised.function == "torch.nn.functional.linear"
    assert [one.name for one in raised.inputs] == [None, "model.1.weight", "model.1.bias"]
    assert [one.value.shape for one in raised.inputs] == [(1, 2), (2, 4), (2,)]
    assert [text for _, text in raised.arguments] == ["%0", "%1", "%2"]
    assert (raised.is_uncaught, raised.is_raised, raised.traceback) == (False, False, "")
    assert (uncaught.is_uncaught, uncaught.is_raised, uncaught.function) == (True, False, "")
    assert uncaught.message == raised.message


def test_the_module_in_which_a_call_raised(tmp_path: Path) -> None:
    """The event has the scope of the module, as an op has."""
    _, tape = record_script(tmp_path, _MISFIT)
    with tape:
        assert [event.scope for event in tape.events() if event.kind == "error"] == ["1", ""]


@pytest.mark.parametrize(
    ("script", "is_raised"),
    [
        ("raise RuntimeError('mine')", True),
        ("def f():\n    raise RuntimeError('mine')\nf()", True),
        ("try:\n    torch.ones(3).view(2)\nexcept RuntimeError:\n    raise", False),
        ("try:\n    torch.ones(3).view(2)\nexcept RuntimeError as e:\n    raise RuntimeError('mine') from e", True),
        ("with torch.no_grad():\n    torch.ones(3).view(2)", False),
        ("torch.optim.SGD([], lr=1.0)", False),
        ("torch.ones(3, requires_grad=True).numpy()", False),
        ("[][0]", False),
        ("assert False", True),
    ],
)
def test_whether_a_raise_made_it(script: str, is_raised: bool, tmp_path: Path) -> None:
    """A ``raise`` outside of torch is told from what torch, or Python itself, raised."""
    assert _errors(tmp_path, script)[-1].is_raised is is_raised


def test_both_writers_record_the_same(tmp_path: Path) -> None:
    """The accelerator leaves a call that raises to Python, whole."""
    found = []
    for name in ("c", "python"):
        (tmp_path / name).mkdir()
    found.append(_errors(tmp_path / "c", _MISFIT)[0])
    with in_python():
        found.append(_errors(tmp_path / "python", _MISFIT)[0])
    assert [[one.name for one in error.inputs] for error in found] == [[None, "model.1.weight", "model.1.bias"]] * 2
    assert [one.id for one in found[0].inputs] == [one.id for one in found[1].inputs]
    assert found[0].arguments == found[1].arguments
