"""What the benchmark makes of its figures; the figures themselves are nobody's business here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.__main__ import environment_of, parse, plan
from tests.bench.cases import COLUMNS, WORKLOADS
from tests.bench.table import Run, Spread, spread, table


def _run(cpu: float, wall: float = 1.0) -> Run:
    return Run(cpu, wall, 1024)


def test_ratios_are_taken_round_by_round() -> None:
    """A round on a slow machine counts no more than one on a fast machine, and quartiles leave out the extremes."""
    rounds = [
        {"bare": _run(speed), "full": _run(speed * ratio)}
        for speed, ratio in zip((1, 9, 2, 4, 1), (2, 3, 4, 5, 90), strict=True)
    ]
    assert spread(rounds, "full", "cpu") == Spread(4.0, 3.0, 5.0)


def test_rounds_that_did_not_run_a_column_are_left_out() -> None:
    """The further rounds of a narrow bar say nothing about the other columns."""
    rounds = [{"bare": _run(1), "full": _run(3), "watch": _run(1.1)}, {"bare": _run(1), "watch": _run(1.3)}]
    assert spread(rounds, "full", "cpu").median == 3
    assert spread(rounds, "watch", "cpu").median == pytest.approx(1.2)


def test_another_checkout_is_held_against_this_one() -> None:
    """The ratio is that of this checkout to the one before, not to the bare run."""
    assert spread([{"bare": _run(1), "watch": _run(6), "watch_before": _run(5)}], "watch_before", "cpu").median == 1.2


def test_what_calls_of_large_nodes_cost_is_told_apart() -> None:
    """Recording with them is held against recording without, and against the same of the checkout before."""
    rounds = [{"bare": _run(1), "full": _run(9), "unchecked": _run(6), "full_before": _run(5)}]
    assert spread(rounds, "full_before", "cpu").median == 1.8
    assert spread(rounds, "unchecked", "cpu").median == 1.5


def test_breakpoints_are_held_against_a_full_recording() -> None:
    """What they cost is their ratio to the recording without them, which is run as often."""
    assert spread([{"bare": _run(1), "full": _run(4), "breakpoint": _run(5)}], "breakpoint", "cpu").median == 1.25
    assert parse(["--columns", "breakpoint"]).columns == ["bare", "breakpoint", "full"]
    rounds = plan(WORKLOADS["w1"], ["bare", "full", "breakpoint", "anomaly"], 5, is_quick=False)
    assert rounds.count(["bare", "full", "breakpoint"]) == 16


def test_a_comparison_brings_the_columns_that_it_needs(tmp_path: Path) -> None:
    """Asked for full and another checkout, the benchmark also runs what is held against that checkout."""
    package = tmp_path / "src" / "gradb"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    columns = parse(["--before", str(tmp_path), "--columns", "full"]).columns
    assert columns == ["bare", "full", "full_before"]
    assert parse(["--columns", "full"]).columns == ["bare", "full"]


@pytest.mark.parametrize(
    ("measured", "is_met"),
    [(Spread(1.04, 1.0, 1.06), True), (Spread(1.06, 1.04, 1.09), True), (Spread(1.08, 1.06, 1.1), False)],
)
def test_a_bar_is_met_within_the_quartiles(measured: Spread, is_met: bool) -> None:
    """A bar of 1.05 is met by a median below it, and by quartiles around it; it is missed where all lie above."""
    assert measured.meets(1.05) is is_met


def test_narrow_bars_get_many_rounds() -> None:
    """Watching W3 has a bar of 1.03: 21 rounds of it and the bare run, while the rest runs as often as asked."""
    rounds = plan(WORKLOADS["w3"], ["bare", "watch", "full"], 5, is_quick=False)
    assert [rounds.count(["bare", "watch", "full"]), rounds.count(["bare", "watch"])] == [5, 16]
    assert len(plan(WORKLOADS["w3"], ["bare", "full"], 5, is_quick=False)) == 5
    assert len(plan(WORKLOADS["w3"], ["bare", "watch"], 2, is_quick=True)) == 2
    more = plan(WORKLOADS["w1"], ["bare", "full", "watch", "full_before"], 5, is_quick=False)
    assert more.count(["bare", "full", "full_before"]) == 16


def test_table_says_what_became_of_a_bar() -> None:
    """CPU and wall time, quartiles and bar stand in the cell of a column."""
    rounds = [{"bare": _run(1.0, 1.0), "watch": _run(1.5, 2.0)}]
    *_, row = table([(WORKLOADS["w1"], 1000, rounds)], ["bare", "watch"])
    assert "1,000 ms, wall 1,000 ms" in row
    assert "1.50 (1.50 to 1.50), wall 2.00; bar 1.25 missed" in row


def test_a_checkout_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without gradb in it cannot be compared with."""
    with pytest.raises(SystemExit) as refused:
        parse(["--before", "/nowhere"])
    assert refused.value.code == 2
    assert "there is no src/gradb" in capsys.readouterr().err


def test_every_column_is_run_alike() -> None:
    """Only what a column is about tells its environment from that of the bare run: the allocator's luck does not."""
    bare = environment_of(COLUMNS["bare"], None)
    assert bare["MALLOC_TRIM_THRESHOLD_"] == str(2**30)
    for column in COLUMNS.values():
        others = {"PYTHONPATH", *column.environment}
        found = environment_of(column, "elsewhere")
        assert {key: found[key] for key in found if key not in others} == {
            key: bare[key] for key in bare if key not in others
        }
