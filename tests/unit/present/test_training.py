"""The training pane: what holds at the position in words, over the plot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.frame.training import InterventionMark, Training
from gradb.present.draw.ascii import spelled_line
from gradb.present.draw.curves import BRANCH_SIGNS, look_of
from gradb.present.draw.text import to_text
from gradb.present.lines.branches import branch_rows
from gradb.present.lines.readings import status_lines
from gradb.present.options import MOST_KIN, Branches, Checkpoints, Kin, Listed, Options, OtherRun, Plot
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.series import Series
from tests.fakes import TapeBuilder, diagonal
from tests.fakes.examples import chain_rule, training, watched
from tests.unit.present.made import INF, NAN, made_series, made_training


def pane(frame: Frame, width: int = 100, height: int | None = None, **options: object) -> list[str]:
    given = Options(width=width, height=height, **options)  # type: ignore[arg-type]
    return to_text(PANES["training"].render(frame, given), width).splitlines()


def status(made: Training, width: int = 200) -> str:
    return "\n".join(line.plain for line in status_lines(made, width))


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Frame]:
    """A frame whose training is replaced by one that is made of lists."""
    chain_rule(tmp_path / "base.tape")
    with Tape.open(tmp_path / "base.tape") as tape:
        yield tape.frame(1)


def showing(base: Frame, *series: Series, **facts: object) -> Frame:
    return replace(base, training=made_training(*series, **facts))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def blown_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    """A training that blows up after zero_grad was switched off."""
    path = tmp_path_factory.mktemp("blown_up") / "t.tape"
    training(path, 120, off_at=10, rate=0.3, seed="3")
    with Tape.open(path) as tape:
        yield tape


# --- readings ---------------------------------------------------------------------------------------------------------


def test_the_readings_are_those_of_the_position(blown_up: Tape) -> None:
    """Loss, gradient norm, rate, policy and seed as they were then, not as they became."""
    step = next(e.seq for e in blown_up.events() if e.kind == "step" and e.iteration == 2)
    lines = pane(blown_up.frame(step))
    assert lines[0].split("   ") == [
        "iteration 2 of 120", "loss 175.0", "gradient norm 79.20", "learning rate 0.3",
    ]  # fmt: skip
    assert lines[1] == "zero_grad: as written   recording: full   seed 3"


def test_the_policy_says_what_it_does(blown_up: Tape) -> None:
    """How many calls were suppressed, and since when; at the end the last iteration is named."""
    lines = pane(blown_up.frame(blown_up.head))
    assert lines[0].startswith("after iteration 120 of 120   loss nan")
    assert lines[1].startswith("zero_grad off: 111 calls suppressed since iteration 10   ")


@pytest.mark.parametrize(
    ("value", "kind", "count", "words"),
    [
        ("off", "suppressed", [1], "zero_grad off: 1 call suppressed since iteration 1"),
        ("off", "suppressed", [1, 2, 3, 4], "zero_grad off: 4 calls suppressed since iteration 1"),
        ("off", "suppressed", [], "zero_grad off since iteration 1: nothing to suppress so far"),
        ("on", "inserted", [1, 2, 3], "zero_grad on: 3 clearings added since iteration 1"),
        ("on", "inserted", [], "zero_grad on since iteration 1: nothing to add so far"),
    ],
)
def test_policies_in_words(value: str, kind: str, count: list[float], words: str) -> None:
    """Each policy, with one, several and no calls that it met."""
    counts = [made_series(count, "zero_grad", None, kind=kind)] if count else []  # type: ignore[arg-type]
    assert words in status(
        made_training(made_series([1.0] * 5), *counts, marks=[InterventionMark(1, 1, "zero_grad", value)])
    )


def test_clears_that_could_not_be_held_back_are_said() -> None:
    """The policy says how many it let through, beside what it suppressed or alone."""
    missed = made_series([1.0, 2.0, 3.0], "zero_grad", None, kind="missed")
    suppressed = made_series([1.0], "zero_grad", None, kind="suppressed")
    losses, marks = made_series([1.0] * 5), [InterventionMark(1, 1, "zero_grad", "off")]
    assert "zero_grad off since iteration 1, 3 clears could not be held back" in status(
        made_training(losses, missed, marks=marks)
    )
    assert "1 call suppressed since iteration 1, 3 clears could not be held back" in status(
        made_training(losses, suppressed, missed, marks=marks)
    )


def test_an_overridden_rate_says_who_and_from_when() -> None:
    """Before the next step the old rate was the last one used, after it the new one."""
    rates = made_series([0.1, 0.1, 0.5], "SGD", None, kind="learning_rate")
    mark = InterventionMark(21, 3, "lr", "0.5")
    before = status(replace(made_training(rates, marks=[mark], iteration=3), position=22))
    assert "learning rate 0.1 (0.5 from the next step: set by you at iteration 3)" in before
    assert "learning rate 0.5 (set by you at iteration 3)" in status(made_training(rates, marks=[mark]))
    alone = status(made_training(made_series([1.0, 1.0, 1.0]), marks=[mark]))
    assert "learning rate 0.5 from the first step on (set by you)" in alone


def test_groups_have_their_rates() -> None:
    """Rates that agree are one; others are told apart by their group."""
    one = made_series([0.1], "SGD group 1", None, kind="learning_rate")
    assert "learning rate 0.1\n" in status(made_training(one, made_series([0.1], "SGD group 2", kind="learning_rate")))
    two = made_series([0.2], "SGD group 2", None, kind="learning_rate")
    assert "learning rate 0.1 (SGD group 1), 0.2 (SGD group 2)" in status(made_training(one, two))


def test_watching_says_that_there_are_no_ops(tmp_path: Path) -> None:
    """Since when, and why."""
    watched(tmp_path / "t.tape")
    with Tape.open(tmp_path / "t.tape") as tape:
        words = status(tape.frame(tape.head // 2).training)
        assert "recording: watch only since iteration 4: no ops in between (asked for)" in words
        assert "recording: full" in status(tape.frame(tape.head).training)
        assert "recording: full" in status(tape.frame(0).training)


def test_before_anything_is_recorded_it_is_not_said_how(tmp_path: Path) -> None:
    """At the start of a run the first event tells it; before there is one nobody knows."""
    tape = TapeBuilder(tmp_path / "t.tape")
    tape.close()
    with Tape.open(tmp_path / "t.tape") as opened:
        assert "recording" not in status(opened.frame(0).training)


def test_a_loss_of_an_earlier_iteration_is_named_as_such() -> None:
    """In the forward of an iteration the newest loss is still the one before."""
    made = replace(made_training(made_series([3.0, 2.0, 1.0]), iteration=2, is_finished=False), iteration=3)
    assert "loss 2 (of iteration 2)" in status(made)
    assert "iteration 3 of 3 so far" in status(made)
    assert "loss not computed yet" in status(made_training(made_series([3.0]), iteration=0))
    assert "loss mse 3" in status(made_training(made_series([3.0], "mse")))


def test_a_step_without_gradients_has_a_dash() -> None:
    """The norm that an earlier step used is not the last one's."""
    rates = made_series([0.1, 0.1, 0.1], "SGD", None, kind="learning_rate")
    norms = made_series([2.0], "SGD", None, kind="grad_norm")
    assert "gradient norm —" in status(made_training(rates))
    assert "gradient norm —" in status(made_training(norms, rates))
    assert "gradient norm 2" in status(replace(made_training(norms, rates), position=norms.events[0]))


def test_readings_fold_at_the_width() -> None:
    """Where they do not fit on a line they take several, none wider than there is room."""
    made = made_training(made_series([1e-7 / 3]), made_series([2.0], "SGD", None, kind="grad_norm"))
    for width in (20, 30, 60):
        lines = status_lines(made, width)
        assert all(line.cell_len <= width for line in lines)
        assert len(lines) > 1


def test_a_long_reading_is_folded_not_cut() -> None:
    """In a narrow pane the policy still says what it does, and since when."""
    counts = made_series([1.0, 2.0, 3.0], "zero_grad", None, kind="suppressed")
    made = made_training(made_series([1.0] * 3), counts, marks=[InterventionMark(1, 1, "zero_grad", "off")])
    lines = [line.plain for line in status_lines(made, 34)]
    at = lines.index("zero_grad off: 3 calls suppressed")
    assert lines[at + 1].startswith("  since iteration 1")
    assert all(len(line) <= 34 for line in lines)


# --- the pane ---------------------------------------------------------------------------------------------------------


def test_the_plot_is_below_the_readings(blown_up: Tape) -> None:
    """Marks, the onset of infinities in words, axes, and the norms of the parameters."""
    lines = pane(blown_up.frame(200), plot=Plot(is_log=True))
    text = "\n".join(lines)
    assert "off@10" in text
    assert "inf from iteration" in text
    assert "NaN from" in text
    assert "▲" in text
    assert "log scale" in text
    assert lines[-1].startswith("parameter norms   w ")


@pytest.mark.parametrize("height", [1, 3, 6, 7, 12, 24, 60])
def test_the_pane_keeps_its_height(blown_up: Tape, height: int) -> None:
    """However low and narrow it is."""
    ghost = OtherRun("zero_grad off", blown_up.series, "no --seed: initialisations may differ", is_running=True)
    frame = blown_up.frame(300)
    for width in (20, 38, 60, 120):
        lines = pane(frame, width, height, ghost=ghost)
        assert len(lines) <= height
        assert all(len(line) <= width for line in lines)


def test_the_plot_goes_before_all_but_the_first_reading(base: Frame) -> None:
    """In a low pane there are curves and where the training stands."""
    lines = pane(showing(base, made_series([3.0, 2.0, 1.0])), 38, 8)
    assert len(lines) == 8
    assert lines[0].startswith("iteration 3 of 3")
    assert any("\u2800" < char <= "\u28ff" for line in lines for char in line)


def test_norms_from_before_the_watch_are_dated(tmp_path: Path) -> None:
    """While only watching the norms are those of the last step that was recorded in full."""
    watched(tmp_path / "t.tape")
    with Tape.open(tmp_path / "t.tape") as tape:
        assert pane(tape.frame(tape.head // 2))[-1].startswith("parameter norms of iteration 3   w ")
        assert pane(tape.frame(tape.head))[-1].startswith("parameter norms   w ")


def test_only_the_last_iterations(base: Frame) -> None:
    """A caption says which of how many are shown."""
    lines = pane(showing(base, made_series([1.0] * 500), iteration=480), plot=Plot(last=50))
    assert "iterations 451 to 500 of 500" in lines
    assert lines[-1].split()[0] == "451"


def test_several_losses_have_a_legend(base: Frame) -> None:
    """Each with its sign, its name and its value at the position."""
    frame = showing(base, made_series([3.0, 2.0]), made_series([8.0, 9.0], "aux", 50), iteration=1, is_finished=False)
    lines = pane(frame)
    assert lines[2] == "⠤⠒⠉ loss:42 = 3   +++ aux:50 = 8"
    many = [made_series([float(i)], f"l{i}", i) for i in range(1, 10)]
    assert "4 more losses are not plotted" in pane(showing(base, *many))


def test_a_ghost_is_drawn_beside_the_run(base: Frame) -> None:
    """With a sign of its own, its value at the same iteration, where it parts, and the reservation."""
    other = made_series([3.0, 2.0, 5.0, NAN])
    ghost = OtherRun("zero_grad off", (other,), "no --seed: initialisations may differ", is_running=True)
    lines = pane(showing(base, made_series([3.0, 2.0, 1.0, 0.5, 0.2]), iteration=3, is_finished=False), ghost=ghost)
    assert lines[2:4] == [
        "⠤⠒⠉ this run: zero_grad as written (loss 1)",
        "ggg ghost: zero_grad off (running, iteration 4; loss 5 here)",
    ]
    assert lines[4] == "the losses are the same up to iteration 2 and part there; no --seed: initialisations may differ"
    text = "\n".join(lines[4:])
    assert "ggg" in text
    assert "zero_grad off NaN from iteration 4" in text


def test_a_ghost_under_the_run_is_said_to_agree(base: Frame) -> None:
    """Curves on top of each other look like one, so there are words."""
    ghost = OtherRun("zero_grad on", (made_series([3.0, INF, NAN]),))
    frame = showing(base, made_series([3.0, INF, NAN, NAN]))
    assert "the losses are the same as far as both go" in pane(frame, ghost=ghost)
    other = OtherRun("zero_grad on", (made_series([4.0, 2.0]),))
    assert "the losses differ from the first on" in pane(frame, ghost=other)


def test_a_ghost_comes_alone_at_first(base: Frame) -> None:
    """The other run may have losses before this one has."""
    lines = pane(showing(base), ghost=OtherRun("zero_grad off", (made_series([3.0, 2.0]),)))
    assert any("no loss to plot" in line for line in lines)
    assert any("ggg ghost: zero_grad off (no value yet)" in line for line in lines)


def _kin(number: int, values: list[float], *, is_running: bool = False) -> Kin:
    name = f"branch {number}" if number else "the first run"
    change, iteration = ("zero_grad off", 2) if number else ("", 0)
    return Kin(number, name, f"{name}: told", (made_series(values),), is_running, change, iteration)


def test_branches_are_drawn_beside_the_run(base: Frame) -> None:
    """Each with a sign and a colour of its own, its value here, and a mark where it branches off."""
    others = (_kin(1, [3.0, 2.0, 5.0]), _kin(2, [3.0, 2.0, 4.0], is_running=True))
    frame = showing(base, made_series([3.0, 2.0, 1.0, 0.5]), iteration=3, is_finished=False)
    lines = pane(frame, branches=Branches("the first run", 0, others))
    assert lines[2:4] == [
        "⠤⠒⠉ this run: zero_grad as written (loss 1)   aaa branch 1: told (loss 5)",
        "bbb branch 2: told (running, iteration 3; loss 4 here)",
    ]
    text = "\n".join(lines[4:])
    assert "a zero_grad off@2" in text
    assert "b zero_grad off@2" in text
    assert "aaa" in text
    assert "bbb" in text
    spelled_out = [spelled_line(line) for line in lines]
    assert all(line.isascii() for line in spelled_out)
    assert spelled_out[2].endswith("aaa branch 1: told (loss 5)")


def test_a_branch_is_drawn_beside_the_first_run(base: Frame) -> None:
    """The run that one looks at is the fine line, and says which it is; no curve looks like another."""
    frame = showing(base, made_series([3.0, 2.0, 1.0]), iteration=3, is_finished=False)
    told = Branches("branch 2", 2, (_kin(0, [3.0, 2.0, 1.5]), _kin(1, [3.0, 2.0, 5.0])))
    lines = pane(frame, branches=told)
    assert "this run, branch 2: zero_grad as written (loss 1)" in lines[2]
    assert any("ooo the first run: told (loss 1.5)" in line for line in lines)
    looks = [look_of(number) for number in range(MOST_KIN + 1)]
    assert (
        len({sign for sign, _ in looks}) == len({style for _, style in looks}) == MOST_KIN + 1 == 1 + len(BRANCH_SIGNS)
    )


def test_losses_side_by_side_are_of_one_iteration(base: Frame) -> None:
    """Where an iteration is under way its loss is not known yet: then all are those of the one before."""
    frame = showing(base, made_series([3.0, 2.0, 1.0, 0.5]), iteration=2, is_finished=False)
    inside = replace(frame, training=replace(frame.training, iteration=3))
    told = Branches("branch 2", 2, (_kin(0, [3.0, 2.0, 1.5]),))
    for width, height in ((120, None), (33, 12)):
        lines = "\n".join(pane(inside, width, height, branches=told))
        assert "loss 2" in lines
        assert "loss 1.5" not in lines
    ghost = OtherRun("zero_grad off", (made_series([3.0, 2.5, 5.0]),))
    assert "ggg ghost: zero_grad off (loss 2.5)" in "\n".join(pane(inside, ghost=ghost))


def test_of_several_losses_each_has_its_own_iteration(base: Frame) -> None:
    """One of an iteration may be known already, and another not."""
    one, two = made_series([3.0, 2.0]), made_series([8.0, 9.0], "aux", 50, events=(15, 25))
    frame = showing(base, one, two, iteration=2, is_finished=False)
    others = tuple(
        made_series(values, name, line) for values, name, line in (([3.0, 4.0], "loss", 42), ([8.0, 7.0], "aux", 50))
    )
    lines = "\n".join(pane(frame, ghost=OtherRun("zero_grad off", others)))
    assert "(loss 4)" in lines
    assert "(loss 8)" in lines
    assert "(loss 7)" not in lines


def test_in_a_small_room_it_is_read_first_whose_loss_is_which(base: Frame) -> None:
    """In few words; then what holds in few words too, and what is left out has a sign."""
    marks = [InterventionMark(21, 2, "zero_grad", "off"), InterventionMark(1, 1, "record", "watch")]
    frame = showing(base, made_series([3.0, 2.0, 1.0]), iteration=3, is_finished=False, marks=marks)
    told = Branches("branch 2", 2, (_kin(0, [3.0, 2.0, 1.5]),))
    kept = Checkpoints(4, ((2, 20), (3, 30)))
    lines = pane(frame, 33, 12, branches=told, checkpoints=kept)
    assert lines[:6] == [
        "⠤⠒⠉ branch 2: loss 1",
        "ooo the first run: loss 1.5",
        "iteration 3 of 3 so far",
        "zero_grad off since 2",
        "recording: watch only",
        "checkpoints: 2 of 4",
    ]
    assert pane(frame, 33, 9, branches=told, checkpoints=kept)[3] == "zero_grad off since 2 …"
    assert pane(frame, 33, 4, branches=told, checkpoints=kept)[3] == "zero_grad off since 2 …"
    alone = pane(frame, 33, 9)
    assert alone[:3] == [
        "iteration 3 of 3 so far   loss 1",
        "zero_grad off since 2",
        "recording: watch only",
    ]


def test_branches_are_data_too(base: Frame) -> None:
    """Of each its losses, and by what it is a branch."""
    frame = showing(base, made_series([3.0, 2.0, 1.0]), iteration=3)
    told = Branches("the first run", 0, (_kin(1, [3.0, NAN]),))
    (branch,) = pane_json("training", frame, Options(branches=told))["branches"]
    assert (branch["number"], branch["change"], branch["iteration"]) == (1, "zero_grad off", 2)
    assert branch["losses"][0]["points"] == [[1, 10, 3.0], [2, 20, "nan"]]


def test_the_list_of_branches() -> None:
    """A row each: what it is gone to by, how it looks in the plot, and how it stands; which one looks at is marked."""
    rows = branch_rows(
        [
            Listed("0", "the first run", "finished", 60, 0.5, is_here=False, path="x.tape"),
            Listed("1", "branch 1: lr 1 from the start", "", 0, None, is_here=True, path="1.tape"),
            Listed("v", "the ghost: zero_grad off from the start", "running", 7, NAN, is_here=False, path="g.tape"),
        ]
    )
    assert [row.plain.split() for row in rows] == [
        "0 ooo the first run iteration 60, loss 0.5 finished".split(),
        "▸ 1 aaa branch 1: lr 1 from the start".split(),
        "v ggg the ghost: zero_grad off from the start iteration 7, loss nan running".split(),
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.floats(), min_size=1, max_size=30),
    st.lists(st.floats(), max_size=30),
    st.integers(0, 30),
    st.integers(20, 130),
    st.none() | st.integers(1, 40),
    st.booleans(),
    st.none() | st.integers(-1, 40),
)
def test_any_training_can_be_shown(
    base: Frame,
    values: list[float],
    other: list[float],
    at: int,
    width: int,
    height: int | None,
    is_log: bool,
    last: int | None,
) -> None:
    """Whatever the values, the pane is drawn in the room there is."""
    frame = showing(base, made_series(values), iteration=min(at, len(values)))
    ghost = OtherRun("ghost", (made_series(other),)) if other else None
    lines = pane(frame, width, height, ghost=ghost, plot=Plot(is_log, last))
    assert all(len(line) <= width for line in lines)
    assert height is None or len(lines) <= height


# --- nothing to plot --------------------------------------------------------------------------------------------------


def test_a_script_that_does_not_train_says_so(tmp_path: Path) -> None:
    """While it runs there may still come a backward; after its end there has been none."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        tape.output("hello\n")
        tape.commit()
        with Tape.open(tmp_path / "t.tape") as opened:
            lines = pane(opened.frame(1))
            assert lines[-1] == "no backward from a scalar has been recorded yet: there is no loss to plot"
        tape.end()
    with Tape.open(tmp_path / "t.tape") as opened:
        lines = pane(opened.frame(opened.head))
        assert lines[-2:] == [
            "no backward from a scalar was recorded of this script: there is no loss to plot",
            "this script never trains: it made no optimizer step and updated no parameter by hand",
        ]


def test_a_loss_that_is_no_scalar_has_no_value(tmp_path: Path) -> None:
    """The backward at the position is named, and so is the reason why there is no plot."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        a = tape.leaf("a", [1.0, 2.0])
        b = tape.op("Tensor.mul", "MulBackward0", [a, 3], [3, 6], name="b", jacobians=[diagonal([3.0, 3.0]), None])
        tape.backward(b, gradient=[1, 1])
        tape.end()
    with Tape.open(tmp_path / "t.tape") as opened:
        start = next(event.seq for event in opened.events() if event.kind == "backward_start")
        assert "this backward begins from b [2], not a scalar: it has no loss value" in pane(opened.frame(start))
        assert pane(opened.frame(opened.head))[-2] == (
            "no loss to plot: no backward that was recorded so far began from a scalar"
        )


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_the_pane_as_json(blown_up: Tape) -> None:
    """Series with all points, interventions, what holds, and the first iteration that is not finite."""
    text = json.dumps(pane_json("training", blown_up.frame(blown_up.head)), allow_nan=False)
    shown = json.loads(text)
    assert (shown["pane"], shown["iterations"], shown["seed"], shown["finished"]) == ("training", 120, 3, True)
    (loss,) = [one for one in shown["series"] if one["kind"] == "loss"]
    assert (loss["name"], loss["file"], loss["line"]) == ("loss", "train.py", 7)
    assert [point[0] for point in loss["points"]] == list(range(1, 121))
    assert loss["points"][0][2] == 10.0
    assert loss["points"][-1][2] == "nan"
    (off,) = shown["interventions"]
    assert off == {"event": off["event"], "iteration": 10, "what": "zero_grad", "value": "off"}
    assert shown["policy"] == {"value": "off", "event": off["event"], "iteration": 10, "count": 111, "missed": 0}
    assert shown["learning_rate"] == {"value": "script", "event": None, "iteration": None}
    assert shown["depth"] == {"value": "full", "event": None, "iteration": None}
    first = shown["first_nonfinite"]
    assert first["series"] == "loss:7"
    assert first["value"] in {"inf", "nan"}
    assert first["iteration"] == next(point[0] for point in loss["points"] if isinstance(point[2], str))


def test_depths_as_json(tmp_path: Path) -> None:
    """Changes of depth are listed with their reasons; a run without NaN has none."""
    watched(tmp_path / "t.tape")
    with Tape.open(tmp_path / "t.tape") as tape:
        shown = pane_json("training", tape.frame(tape.head // 2))
        assert [(one["iteration"], one["value"], one["reason"]) for one in shown["depths"]] == [
            (4, "watch", "asked for"), (98, "full", "asked for"),
        ]  # fmt: skip
        assert shown["depth"]["value"] == "watch"
        assert shown["first_nonfinite"] is None
        assert shown["interventions"] == []


def test_what_comes_after_the_last_step_is_in_no_iteration() -> None:
    """A finished script of five iterations says that it is after the fifth, and nothing of a sixth."""
    losses = made_series([5.0, 4.0, 3.0, 2.0, 1.0])
    over = made_training(losses, iteration=6)
    assert "after iteration 5 of 5" in status(over)
    assert over.is_over
    assert not made_training(losses, iteration=6, is_finished=False).is_over


def test_a_mean_says_which_it_is(base: Frame) -> None:
    """Over how many iterations; of several curves whose."""
    noisy = made_series([float(at % 3) for at in range(60)])
    assert "~~~ centred mean over 5 iterations" in pane(showing(base, noisy, iteration=60), plot=Plot(smooth=5))
    ghost = OtherRun("zero_grad off", (noisy,))
    text = "\n".join(pane(showing(base, noisy, iteration=60), plot=Plot(smooth=5), ghost=ghost))
    assert "~~~ ⠤⠒⠉ this run: zero_grad as written" in text
    assert "=== ggg ghost: zero_grad off" in text
    assert "~~~ === centred mean over 5 iterations" in text
    assert "~~~" not in "\n".join(pane(showing(base, noisy, iteration=60)))


def test_each_run_says_its_policy(base: Frame) -> None:
    """As it is at the position, when it was switched after the ghost was started."""
    mark = InterventionMark(20, 2, "zero_grad", "off")
    frame = showing(base, made_series([3.0, 2.0, 1.0]), iteration=3, marks=[mark])
    text = "\n".join(pane(frame, ghost=OtherRun("zero_grad off", (made_series([3.0, 5.0]),))))
    assert "this run: zero_grad off since iteration 2 (loss 1)" in text
    assert "ghost: zero_grad off (loss 5)" in text
