"""The training pane and the switches of a live run, on the screen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.link.spec import RunSpec
from gradb.present.options import Plot
from gradb.tape.stops import Stop
from gradb.tui.app import GradbApp
from gradb.tui.bars import EventBar, Heading, header_line
from gradb.tui.judging import JudgingView
from gradb.tui.plot_commands import smoothing, widened, zoomed
from gradb.tui.training import TrainingPane
from tests.fakes import DEBUGGEE, TapeBuilder, examples
from tests.tui.support import debug_screen, opening, painted, position_of, shown, text_of, wait_until

SIZES = [(80, 24), (120, 40), (200, 60)]
Start = Callable[..., GradbApp]


@pytest.fixture
def long_tape(tmp_path: Path) -> Path:
    """The tape of forty iterations, zero_grad off from the thirtieth on."""
    path = tmp_path / "long.tape"
    examples.training(path, 40, off_at=30)
    return path


@pytest.fixture
def live(tmp_path: Path, long_tape: Path) -> Iterator[Start]:
    """Return a function that makes an app on a live run: forty iterations replayed, at so many seconds an event."""
    debuggers: list[Debugger] = []

    def start(pace: float = 0.0, seed: int | None = None) -> GradbApp:
        def launch() -> Debugger:
            command = (sys.executable, DEBUGGEE, str(long_tape), f"pace={pace}")
            debuggers.append(Debugger.launch(RunSpec("train.py", str(tmp_path / "live.tape"), seed=seed), command))
            return debuggers[-1]

        return GradbApp(launch, script="train.py")

    yield start
    for debugger in debuggers:
        debugger.close()


async def press(pilot: Pilot[int], *keys: str) -> str:
    """Press keys and return the screen's text after them."""
    await pilot.press(*keys)
    await pilot.pause()
    return text_of(pilot.app)


def header(app: Any) -> str:
    return text_of(app).splitlines()[0]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_training(long_tape: Path, snap_compare: Any, width: int, height: int) -> None:
    """How the pane looks in the middle of a run in which zero_grad was switched off later."""
    app = opening(long_tape)

    async def walk(pilot: Any) -> None:
        await painted(app)
        debug_screen(app).action_statement("until iteration 35")
        text = await press(pilot, "6")
        assert "6 training" in text
        assert "35 of 40" in text
        assert ("off@30" in text) == (width >= 100)
        assert ("2 graph" in text) == (width >= 180)
        assert "zero_grad off: 6 calls" in text

    assert snap_compare(app, terminal_size=(width, height), run_before=walk)


def test_a_mean_beside_the_losses(long_tape: Path, snap_compare: Any) -> None:
    """It has a sign of its own, and the legend says over how many iterations it is."""
    app = opening(long_tape)

    async def look(pilot: Pilot[int]) -> None:
        await painted(app)
        text = await press(pilot, "end", "6", "L", "S")
        assert "~~~ centred mean over 5 iterations" in text
        assert text.count("~") > 20

    assert snap_compare(app, terminal_size=(120, 40), run_before=look)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
async def test_graph_and_training_take_turns(long_tape: Path, width: int, height: int) -> None:
    """2 and 6 bring the one or the other to the front; 6 again goes back; the keyboard goes along."""
    app = opening(long_tape)
    async with shown(app, width, height) as pilot:
        assert "6 training" not in text_of(app)
        for key, here, gone in (("6", "6 training", "2 graph"), ("2", "2 graph", "6 training"),
                                ("6", "6 training", "2 graph"), ("6", "2 graph", "6 training")):  # fmt: skip
            text = await press(pilot, key)
            assert here in text
            assert gone not in text
            assert debug_screen(app).last_pane == ("training" if here == "6 training" else "graph")


async def test_a_wide_screen_has_both(long_tape: Path) -> None:
    """From 180 columns on the training is under the graph; zoom gives it the whole body."""
    app = opening(long_tape)
    async with shown(app, 200, 60) as pilot:
        text = await press(pilot, "end")
        assert "2 graph" in text
        assert "6 training" in text
        text = await press(pilot, "6", "z")
        assert "2 graph" not in text
        assert debug_screen(app).panes["training"].size.width > 190


async def test_a_script_that_never_trains_says_so(chain_tape: Path, tmp_path: Path) -> None:
    """Where there is no loss the pane says so instead of drawing an empty plot."""
    path = tmp_path / "never.tape"
    with TapeBuilder(path) as tape:
        tape.leaf("a", [1.0], line=1)
        tape.end()
    app = opening(path)
    async with shown(app, 120, 40) as pilot:
        text = await press(pilot, "end", "6")
        assert "no backward from a scalar was recorded" in text
        assert "its text is not on the tape" in text


async def test_an_iteration_is_chosen_in_the_plot(long_tape: Path) -> None:
    """Shift with left or right moves over the iterations, x opens the one that is chosen; a step lets it go."""
    app = opening(long_tape)
    async with shown(app, 120, 40) as pilot:
        await press(pilot, "end", "6")
        await wait_until(lambda: "40 of 40" in text_of(app))
        await press(pilot, "shift+left", "shift+left")
        await wait_until(lambda: "chosen: iteration 38" in text_of(app))
        assert "┆" in text_of(app)
        await press(pilot, "shift+right")
        await wait_until(lambda: "chosen: iteration 39" in text_of(app))
        await press(pilot, "x")
        await wait_until(lambda: "iteration 39 is in full as it is recorded" in text_of(app))
        assert "chosen:" not in text_of(app)
        frame = debug_screen(app).frame
        assert frame is not None
        assert frame.iteration == 39


async def test_an_iteration_is_chosen_in_a_rush(long_tape: Path) -> None:
    """However fast the keys come, each counts."""
    app = opening(long_tape)
    async with shown(app, 120, 40) as pilot:
        await press(pilot, "6")
        screen = debug_screen(app)
        pane = screen.panes["training"]
        assert isinstance(pane, TrainingPane)
        screen.action_statement("head")
        for step in (-1, -1, -1, 1):
            pane.action_choose(step)
        await wait_until(lambda: "chosen: iteration 38" in text_of(app))


async def test_a_change_in_a_rush_is_made_where_a_step_leads(live: Start) -> None:
    """However fast the keys come, what changes the script comes right after the step before it."""
    app = live()
    async with shown(app) as pilot:
        for text in ("step", "zero-grad off", "step", "step", "lr 0.5", "step"):
            debug_screen(app).action_statement(text)
        session = debug_screen(app).session
        assert session.debugger is not None
        assert session.debugger.is_stepping
        debugger = session.debugger
        await wait_until(lambda: not debugger.is_running and len(debugger.frame().training.marks) == 2)
        kinds = [event.kind for event in debugger.recorded().events()]
        stops = [event.seq for event in debugger.recorded().events() if Stop("step").matches(event, None)]
        assert [seq for seq in stops if kinds[seq - 1] == "intervention"] == [stops[1], stops[4]]
        assert debugger.position == stops[5] == debugger.head
        await press(pilot, "left")
        debug_screen(app).action_statement("zero-grad on")
        await wait_until(lambda: "the past stays as it is" in text_of(app))


async def test_scale_and_stretch_of_the_plot(long_tape: Path) -> None:
    """L is the logarithmic scale, + and - show fewer and more iterations, S a mean; the pane comes to the front."""
    app = opening(long_tape)
    async with shown(app, 120, 40) as pilot:
        assert "log scale" in await press(pilot, "end", "L")
        assert "log scale" not in await press(pilot, "L")
        assert "iterations 21 to 40 of 40" in await press(pilot, "plus")
        assert "iterations 31 to 40 of 40" in await press(pilot, "plus")
        assert "iterations 21 to 40 of 40" in await press(pilot, "minus")
        assert " to 40 of 40" not in await press(pilot, "minus")
        assert "centred mean over 5 iterations" in await press(pilot, "S")
        assert "centred mean" not in await press(pilot, "S")
        debug_screen(app).action_statement("plot-zoom 5")
        assert "iterations 36 to 40 of 40" in await press(pilot)
        await press(pilot, "left")
        assert debug_screen(app).options.plot.last == 5


def test_stretches() -> None:
    """Halving ends at ten iterations, doubling at the whole run; nonsense is refused."""
    plot = zoomed(Plot(), "", 1000)
    assert plot.last == 500
    for _ in range(9):
        plot = zoomed(plot, "", 1000)
    assert plot.last == 10
    assert zoomed(plot, "all", 1000).last is None
    assert widened(Plot(last=600), 1000).last is None
    assert widened(Plot(), 1000).last is None
    assert zoomed(Plot(), "", 0) == Plot()
    for text in ("x", "1", "-5", "9" * 30):
        with pytest.raises(Exception, match="not a number of iterations"):
            zoomed(Plot(), text, 1000)
        with pytest.raises(UserError, match="number of iterations"):
            smoothing(Plot(), text, 1000)
    assert smoothing(Plot(), "", 1000).smooth == 51
    assert smoothing(Plot(last=20), "", 1000).smooth == 5
    assert smoothing(Plot(smooth=51), "7", 1000).smooth == 7
    assert smoothing(smoothing(Plot(), "", 1000), "", 1000) == smoothing(Plot(smooth=7), "off", 1000) == Plot()


async def test_the_plot_is_drawn_only_where_it_changes(long_tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the graph it is not drawn at all; in front, not for steps that change nothing in it."""
    drawn: list[int] = []
    real = TrainingPane.draw.__globals__["DrawnPane"].draw

    def draw(self: TrainingPane) -> None:
        if isinstance(self, TrainingPane):
            drawn.append(0 if self.frame is None else self.frame.position)
        real(self)

    monkeypatch.setattr("gradb.tui.pane.DrawnPane.draw", draw)
    monkeypatch.setattr(JudgingView, "update", lambda _, options, *__: options)  # a finding would change the plot
    app = opening(long_tape)
    async with shown(app, 120, 40) as pilot:
        await press(pilot, "space", "space", "space")
        assert drawn == []
        await press(pilot, "6")
        assert len(drawn) == 1
        debug_screen(app).action_statement("goto 40")
        await press(pilot)
        drawn.clear()
        await press(pilot, "full_stop", "full_stop")
        assert len(drawn) <= 1


async def test_the_policy_is_switched_by_a_key(live: Start) -> None:
    """0 goes round the policies; the sentence says what it does, the header and the pane what is in force."""
    app = live()
    async with shown(app, 120, 40) as pilot:
        await press(pilot, *["space"] * 4)
        await wait_until(lambda: position_of(app) == 5)
        await press(pilot, "6", "0")
        await wait_until(lambda: "zero_grad off" in header(app))
        text = text_of(app)
        assert "zero_grad: off from now on: nothing clears gradients" in text
        assert "zero_grad off since iteration 1" in text
        await press(pilot, "0")
        await wait_until(lambda: "zero_grad on" in header(app))
        await press(pilot, "0")
        await wait_until(lambda: "zero_grad" not in header(app))


async def test_depth_is_switched_by_a_key_and_always_shown(live: Start) -> None:
    """The key goes to watching and back; the header says which it is, here and where one looks back."""
    app = live()
    async with shown(app, 80, 24) as pilot:
        assert "full · paused" in header(app)
        await press(pilot, "space", "w")
        await wait_until(lambda: "watch · paused" in header(app))
        assert "recording: watch from now on" in text_of(app)
        assert "full · paused" in (await press(pilot, "left")).splitlines()[0]


async def test_the_past_is_not_switched(long_tape: Path) -> None:
    """A recording refuses in one sentence, and says how a new run would go."""
    app = opening(long_tape)
    async with shown(app, 120, 40) as pilot:
        debug_screen(app).action_statement("until iteration 12")
        assert "only a new run can change the past (`branch zero_grad off` starts one from here)" in await press(
            pilot, "0"
        )


async def test_running_free_is_watched(live: Start) -> None:
    """Iteration, loss and speed are in the header while it runs, the plot comes to the front; then it can be paused."""
    app = live(0.03)  # it must not be over before a busy machine has drawn it
    async with shown(app, 80, 24) as pilot:
        await pilot.press("f")
        await wait_until(lambda: "it/s" in header(app))
        assert "loss" in header(app)
        assert "▶ running" in header(app)
        await wait_until(lambda: "6 training" in text_of(app) and debug_screen(app).last_pane == "training")
        before = header(app)
        await wait_until(lambda: header(app) != before)
        await pilot.press("s")
        await wait_until(lambda: "full · paused" in header(app))
        assert "it/s" not in header(app)
        await press(pilot, "2")
        await pilot.press("f")
        await wait_until(lambda: "it/s" in header(app))
        assert "2 graph" in text_of(app)


async def test_a_pane_that_the_user_has_chosen_stays(live: Start) -> None:
    """Who has looked at the graph keeps it while the script runs free."""
    app = live(0.002)
    async with shown(app, 80, 24) as pilot:
        await press(pilot, "2")
        await pilot.press("f")
        await wait_until(lambda: "finished" in header(app))
        assert "6 training" not in text_of(app)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_header_has_room_for_what_changes(width: int) -> None:
    """Iteration, loss, speed and depth are there at every width, whatever else gives way."""
    heading = Heading("some/where/far/away/train.py", "backward", 1234, 29.75, 812.4, "watch", "off", "running", True)
    line = header_line(heading, width).plain
    assert len(line) == width
    for words in ("iteration 1,234", "watch", "▶ running"):
        assert words in line
    if width >= 80:
        assert "loss 29.75" in line
        assert "812 it/s" in line
    assert "nan" in header_line(Heading("x.py", loss=float("nan"), is_running=True), 80).plain


async def test_the_ghost_is_drawn_beside_the_run(live: Start) -> None:
    """V starts the other run, whose losses come into the same plot; v again ends it."""
    app = live()
    async with shown(app, 120, 40) as pilot:
        await press(pilot, "f")
        await wait_until(lambda: "finished" in header(app))
        said: list[str] = []

        def hear(notice: str) -> None:
            said.append(notice)  # under load the ghost may be over before anything is looked at

        app.watch(app.screen.query_one(EventBar), "notice", hear)
        await press(pilot, "v")
        assert "the ghost runs the whole script again with zero_grad script, whatever else it does" in said
        await wait_until(lambda: "the losses are the same as far as" in text_of(app))
        assert "zero_grad script" in text_of(app)
        ghost = debug_screen(app).session.ghost
        assert ghost is not None
        folder = Path(ghost.run.path).parent
        await press(pilot, "left")
        assert "the losses are the same as far as" in text_of(app)
        assert "the ghost is gone" in await press(pilot, "v")
        assert "losses are the same" not in text_of(app)
        assert not folder.exists()


async def test_quitting_ends_the_ghost(live: Start) -> None:
    """No process and no file of it outlives the app."""
    app = live(0.01, seed=3)
    async with shown(app, 120, 40) as pilot:
        await press(pilot, "v")
        ghost = debug_screen(app).session.ghost
        assert ghost is not None
        await wait_until(lambda: "running, iteration" in text_of(app))
        assert "no --seed" not in text_of(app)
        await pilot.press("q")
    assert not ghost.is_running
    assert not Path(ghost.run.path).parent.exists()


async def test_the_ghost_of_a_recording_is_another_recording(long_tape: Path, training_tape: Path) -> None:
    """Without a script to run the command names what does the same; with a file it does it."""
    app = opening(long_tape)
    async with shown(app, 120, 40) as pilot:
        text = " ".join((await press(pilot, "v")).split())
        assert "this is a recording" in text
        assert "gradb compare A.tape B.tape" in text
        debug_screen(app).action_statement(f"ghost {training_tape}")
        await wait_until(lambda: "the losses are the same as far as" in text_of(app))
        assert "training.tape" in text_of(app)
        debug_screen(app).action_statement("ghost no/such.tape")
        await wait_until(lambda: "no/such.tape does not exist" in text_of(app))
        debug_screen(app).action_statement("ghost off")
        assert "losses are the same" not in await press(pilot)
