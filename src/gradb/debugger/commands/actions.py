"""What the commands do: small functions of (debugger, argument) that return a sentence or None.

The registry gives them names, keys and help. They know no screen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gradb.algebra.figures import counted
from gradb.debugger import save as saving
from gradb.debugger.errors import UserError
from gradb.debugger.existence.admission import admit
from gradb.debugger.expect import expect as expectations
from gradb.debugger.interventions import next_policy, other_depth, parse_intervention, parse_iteration
from gradb.debugger.numerals import read_whole
from gradb.debugger.places import read_place
from gradb.debugger.search import Reached, Way
from gradb.debugger.stops import parse_stop
from gradb.link.spec import What
from gradb.tape.stops import Stop, StopKind

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

_MOST_STEPS = 1_000_000
_ALWAYS = (Stop("kind", "error"), Stop("birth"), Stop("kind", "breakpoint"))


def _count(argument: str) -> int:
    if not argument:
        return 1
    if (count := read_whole(argument, 1, _MOST_STEPS)) is None:
        raise UserError(f"{argument!r} is not a number of times: give a whole number from 1 to {_MOST_STEPS:,}")
    return count


def take_nothing(argument: str, name: str) -> None:
    """Refuse an argument of a command that takes none.

    Raises:
        UserError: there is one.
    """
    if argument:
        raise UserError(f"`{name}` takes nothing after it, not {argument!r}")


def walk(kind: StopKind, direction: int) -> Callable[[Debugger, str], str | None]:
    """Make the command that goes to the next (1) or last (-1) stop of a kind, COUNT times over."""

    def run(debugger: Debugger, argument: str) -> str | None:
        move = debugger.forward if direction > 0 else debugger.back
        move(Stop(kind), count=_count(argument))
        return None

    return run


into = walk("into", 1)


def out(debugger: Debugger, argument: str) -> str | None:
    """Go to the end of the op or node that the position is in."""
    take_nothing(argument, "out")
    event = debugger.event()
    if event is None or event.kind not in {"aten", "node_start"}:
        raise UserError("this is not inside an op or a node: `into` goes into the next one")
    debugger.forward(Stop("out"))
    return None


def iteration(direction: int) -> Callable[[Debugger, str], str | None]:
    """Make the command that goes COUNT iterations on (1) or back (-1), or to iteration N wherever it is (``@N``)."""
    step = walk("iteration", direction)

    def run(debugger: Debugger, argument: str) -> str | None:
        if not argument.startswith("@"):
            return step(debugger, argument)
        wanted = parse_iteration(argument[1:].strip())
        here = debugger.event()
        is_behind = here is not None and here.iteration >= wanted
        (debugger.back if is_behind else debugger.forward)(admit(Stop("iteration", str(wanted)), debugger).stop)
        return None

    return run


def until(direction: int) -> Callable[[Debugger, str], str | None]:
    """Make the command that goes on (1) or back (-1) to a place named in words."""

    def run(debugger: Debugger, argument: str) -> str | None:
        admitted = admit(parse_stop(argument), debugger)
        (debugger.forward if direction > 0 else debugger.back)(admitted.stop)
        return None

    return run


def continue_(direction: int) -> Callable[[Debugger, str], str | None]:
    """Make the command that goes on (1) or back (-1) to a breakpoint, trouble, or the end of what there is."""

    def run(debugger: Debugger, argument: str) -> str | None:
        take_nothing(argument, "continue" if direction > 0 else "reverse-continue")
        move = debugger.forward if direction > 0 else debugger.back
        asked = debugger.quiz.stops(debugger.tape, debugger.position) if direction > 0 and not debugger.inplace else ()
        move(Stop("end"), (*debugger.breakpoints.stops, *_ALWAYS, *asked))
        return None

    return run


def is_reason_to_stop(debugger: Debugger) -> bool:
    """Tell whether `continue` would have stopped at the position if nothing were asked."""
    event = debugger.event()
    if event is None or event.kind == "end":
        return True
    return any(stop.matches(event, None) for stop in (*debugger.breakpoints.stops, *_ALWAYS))


def start(debugger: Debugger, argument: str) -> str | None:
    """Go to position 0."""
    take_nothing(argument, "start")
    debugger.go(0)
    return None


def head(debugger: Debugger, argument: str) -> str | None:
    """Go to the last event recorded."""
    take_nothing(argument, "head")
    debugger.go_to_end()
    return None


def goto(debugger: Debugger, argument: str) -> str | None:
    """Go to a position."""
    if (place := read_place(argument)) is None:
        also = f", or ITERATION:NUMBER in iteration {told}" if (told := debugger.inplace.told()) else ""
        raise UserError(f"{argument!r} is not a position: give a number, 0 to {debugger.run.head}{also}")
    debugger.go(place)
    return debugger.hidden_by()


def finish(debugger: Debugger, argument: str) -> str | None:
    """Run to the end."""
    take_nothing(argument, "finish")
    debugger.run_to_end()
    return None


def pause(debugger: Debugger, argument: str) -> str | None:
    """Pause a running script."""
    take_nothing(argument, "pause")
    debugger.pause()
    return None


def switch(what: What, after: Callable[[str], str] | None) -> Callable[[Debugger, str], str | None]:
    """Make the command that changes something from outside: to a word, or without one to the next (``after``)."""

    def run(debugger: Debugger, argument: str) -> str | None:
        word, at, number = argument.partition("@")
        if not word.strip() and after is not None:
            argument = f"{after(debugger.in_force(what))}{at}{number}"
        return debugger.intervene(parse_intervention(what, argument))

    return run


zero_grad = switch("zero_grad", next_policy)
learning_rate = switch("lr", None)
depth = switch("record", other_depth)


def expect(debugger: Debugger, argument: str) -> str | None:
    """Check an expression at the position."""
    expectations.check(debugger, argument)
    return None


def display(debugger: Debugger, argument: str) -> str | None:
    """Have an expression shown at every stop; without one, list those that are."""
    if not argument:
        known = ", ".join(f"{number}: {one.text}" for number, one in debugger.displays.expressions)
        return f"displays: {known}" if known else "there are no displays, e.g. display norm(upstream)"
    number = debugger.displays.add(argument)
    row = next((row for row in debugger.displayed() if row.number == number), None)
    return f"display {number}: {argument}" + (f" ({row.now.why})" if row is not None and row.now.why else "")


def undisplay(debugger: Debugger, argument: str) -> str | None:
    """Take one display away, or all."""
    if argument == "all":
        return f"{counted(debugger.displays.clear(), 'display')} taken away"
    if (number := read_whole(argument)) is None:
        raise UserError(f"`undisplay` takes the number of a display, or all, not {argument!r}")
    return f"not displayed any more: {debugger.displays.remove(number)}"


def quiet(debugger: Debugger, argument: str) -> str | None:
    """Switch whether steps stop at what cannot matter to a gradient."""
    switch = {"": not debugger.shows_quiet, "on": True, "off": False}.get(argument)
    if switch is None:
        raise UserError(f"`quiet` takes on, off or nothing, not {argument!r}")
    debugger.shows_quiet = switch
    return f"data preparation and initialisation are {'stepped through' if switch else 'stepped over'}"


def hints(debugger: Debugger, argument: str) -> str | None:
    """Switch whether hints are judged, which depend on what was meant."""
    judging = debugger.judging
    switch = {"": not judging.with_hints, "on": True, "off": False}.get(argument)
    if switch is None:
        raise UserError(f"`hints` takes on, off or nothing, not {argument!r}")
    judging.select(with_hints=switch)
    return f"hints are {'judged too' if switch else 'not judged'}: `findings` shows what was found"


def save(debugger: Debugger, argument: str) -> str | None:
    """Save the tape so far."""
    if not argument:
        raise UserError("`save` needs a file name, e.g. save run.tape")
    debugger.carry_out(_saving(debugger, argument))
    if debugger.progress is not None:
        return None
    said, debugger.message = debugger.message, ""
    return said


def _saving(debugger: Debugger, target: str) -> Way[None]:
    for share in saving.saving(debugger.run.path, target):
        yield Reached(0, share, is_place=False)
    debugger.message = f"saved as {target}"
