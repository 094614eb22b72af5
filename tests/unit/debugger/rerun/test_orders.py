"""What a run is told that is made beside the user's own."""

from __future__ import annotations

import pytest

from gradb.debugger.rerun.orders import around, watching
from gradb.link.spec import Intervention, RunSpec
from gradb.tape.stops import Stop

_SPEC = RunSpec(
    "t.py", "a.tape", arguments=("-x",), stdin="in.txt", breakpoints=(Stop("at", "3"),), passes_output=True, aten=True,
    interventions=(Intervention("record", "full", 5), Intervention("lr", "0.1", 3)),
)  # fmt: skip


def test_watching() -> None:
    """Only watched, with what else is changed from outside as it was; a seed is made up where none was given."""
    made = watching(_SPEC, "b.tape")
    assert made.interventions == (Intervention("record", "watch"), Intervention("lr", "0.1", 3))
    assert (made.tape, made.arguments, made.stdin, made.passes_output) == ("b.tape", ("-x",), "in.txt", True)
    assert (made.breakpoints, made.is_paused_at_start, made.ends_after) == ((), False, None)
    assert made.seed is not None
    assert watching(_SPEC, "b.tape").seed != made.seed
    assert watching(RunSpec("t.py", "a.tape", seed=0), "b.tape").seed == 0


@pytest.mark.parametrize(
    ("first", "depths"),
    [
        (99, (Intervention("record", "watch"), Intervention("record", "full", 99))),
        (14, (Intervention("record", "watch"), Intervention("record", "full", 14))),
        (13, ()),
        (1, ()),
    ],
)
def test_around(first: int, depths: tuple[Intervention, ...]) -> None:
    """In full from one iteration to another, and silent; one of the first is in full from the start."""
    made = around(watching(_SPEC, "b.tape"), first, first + 2, "c.tape", "12")
    assert made.interventions == (Intervention("lr", "0.1", 3), *depths)
    assert (made.tape, made.ends_after, made.passes_output, made.hash_seed) == ("c.tape", first + 2, False, 12)


def test_hashes_of_the_users_own_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that is in the environment already is the script's to see, and is not set by gradb."""
    monkeypatch.setenv("PYTHONHASHSEED", "12")
    assert around(_SPEC, 3, 5, "c.tape", "12").hash_seed is None
    assert around(_SPEC, 3, 5, "c.tape", "13").hash_seed == 13
    assert around(_SPEC, 3, 5, "c.tape", "").hash_seed is None
