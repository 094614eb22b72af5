"""The debugger without a screen: one run, live or recorded, and where the user is looking.

The terminal app and the command scripts both stand on this object and keep no copy of what it knows. It moves the
position over the tape and lets the script run on where the tape ends; how anything is shown it must not know. Nothing
in it waits, but ``wait``.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from gradb.debugger.breakpoints import Breakpoints
from gradb.debugger.crossing import follow, parts
from gradb.debugger.ending import OVER
from gradb.debugger.errors import UserError
from gradb.debugger.inplace import Spot
from gradb.debugger.interventions import Settings, option, say
from gradb.debugger.legs import Leg
from gradb.debugger.run import Run
from gradb.debugger.search import Way
from gradb.debugger.stops import describe
from gradb.debugger.walk import Walk
from gradb.frame.called import Place
from gradb.frame.steps import finished
from gradb.link.messages import Ask, Continue, Paused
from gradb.link.spec import Intervention, RunSpec, What
from gradb.tape.stops import Stop

_MOST_QUEUED = 20


class Debugger(Walk):
    """One run and a position in it, and how the position moves."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._under_way: Leg | None = None  # the leg that the script is on
        self._switches = Settings()

    @classmethod
    def launch(cls, spec: RunSpec, command: Sequence[str] | None = None) -> Debugger:
        """Start the debuggee and return at once; ``command`` replaces it in tests (see ``link.launch``)."""
        debugger = cls(Run.launch(spec, command))
        debugger.breakpoints = Breakpoints(spec.breakpoints)
        return debugger

    @classmethod
    def open(cls, path: str, told: Callable[[float], object] = lambda share: None) -> Debugger:
        """Open a recorded run at its start, with what was lived again of it in place; ``told`` as in ``Run.open``.

        Raises:
            UserError: the file is not a tape that can be read.
        """
        debugger = cls(Run.open(path, told))
        debugger.find_relived()
        return debugger

    # --- moving -------------------------------------------------------------------------------------------------------

    def forward(self, stop: Stop, also: tuple[Stop, ...] = (), count: int = 1) -> None:
        """Go to the next event that ``stop`` or one of ``also`` matches, ``count`` times over.

        The recorded stretch is searched first; past the head a live script runs on (``is_running``). Where there is
        nothing more, a walk ends at the head, and a search of something that is not there where it began (``missed``).
        While the script runs, the same movement again is kept for later.
        """
        self.missed = None
        stop = replace(stop, with_quiet=self.shows_quiet)
        if self.is_running and self._is_following:
            self._keep(stop, also, count)
            return
        self._legs = deque([Leg(stop, also)] * count)
        self._search_by(self._walk_on())

    def go(self, place: Place | int) -> None:
        """Go to a position; past the head a live script runs on to it. A number is one of the run's own tape.

        Raises:
            UserError: there is no such position.
        """
        spot = Spot(place) if isinstance(place, int) else self.spot_at(place)
        position, head = spot.position, self.run.head
        if spot.lived is not None or 0 <= position <= head:
            self._stand(spot)
        elif position > head and self.is_live:
            self._stand(Spot(head))
            self.forward(Stop("position", str(position)))
        else:
            raise UserError(f"there is no position {position}: this run has positions 0 to {head}")

    def run_to_end(self) -> None:
        """Let the script run to its end, whatever the breakpoints."""
        self.go_to_end()
        self.forward(Stop("end"))

    def pause(self) -> None:
        """Ask a running script to pause at its next event."""
        self._legs.clear()
        self.run.pause()
        if not self.is_running:
            self.message = "the script is not running"

    def _keep(self, stop: Stop, also: tuple[Stop, ...], count: int) -> None:
        leg = self._under_way
        if leg is not None and (replace(leg.stop, is_inside=False) != stop or stop.kind == "end"):
            self.message = "the script is running: pause it first"
        elif not self.run.is_pausing and len(self._legs) + count <= max(_MOST_QUEUED, count):
            self._legs.extend([Leg(stop, also)] * count)

    def _walk_on(self) -> Way[None]:
        leg = yield from self._walk(1)
        if leg is None:
            return
        if self.is_running:
            self._legs.clear()
            self.message = f"there is no later {describe(leg.stop)} up to {self.head} yet: the script is still running"
        elif self.is_live and leg.is_behind(self.event()):
            self._legs.clear()
            self._miss(leg, "there is no later")
        elif self.is_live:
            stop, *also = yield from self._left_of(leg)
            self._under_way = leg
            self._is_following = True
            self.run.run_on(Continue(stop, tuple(also), self.event(), measures_updates=self.displays.asks_for_updates))
        elif leg.is_search:
            self._legs.clear()
            self._miss(leg, "there is no later")
        else:
            self._legs.clear()
            end = self._end()
            yield from self._count(leg, end)
            self.message = "already at the end" if self.spot == end else "this is the end"
            self.spot, self.tells_of_end = end, True

    def _left_of(self, leg: Leg) -> Way[list[Stop]]:
        """Return what is left of the stops of a leg at the head, where it has found nothing up to there."""
        left, head = [], Spot(self.run.head)
        way = parts(self.inplace, self.run.tape, leg.origin, 1)
        event = leg.event if len(way) > 1 else None
        for stop in leg.stops:
            is_part = stop.is_inside or stop.passes
            left.append((yield from follow(way, stop, head, event))[1] if is_part else stop)
        return left

    @property
    def is_free(self) -> bool:
        """True while the script runs on and on: to the end, or to something that may be far away."""
        leg = self._under_way if self.is_running else None
        return leg is not None and (leg.stop.kind == "end" or leg.is_search)

    @property
    def is_stepping(self) -> bool:
        """True while the script makes a step that is over at the next event or line, and the position goes with it."""
        leg = self._under_way if self.is_running and self._is_following else None
        return leg is not None and leg.is_short

    @property
    def waiting(self) -> str:
        """What a running script is looked through for, and what happens if it does not come; else empty."""
        leg = self._under_way if self.is_running else None
        if leg is None or not leg.is_search:
            return ""
        return f"running on to {describe(leg.stop)}; if it does not come, to the end of the script"

    @property
    def share(self) -> float | None:
        """How much of its way a running script has come, 0 to 1; None where nobody knows how far it is."""
        leg = self._under_way if self.is_running else None
        if leg is None or leg.stop.kind not in {"position", "iteration"} or not leg.stop.argument:
            return None
        end = int(leg.stop.argument)
        at, begin = (self.head, leg.origin.position) if leg.stop.kind == "position" else (self.iteration, 0)
        return min(max(at - begin, 0) / max(end - begin, 1), 1.0)

    # --- changing -----------------------------------------------------------------------------------------------------

    def in_force(self, what: What) -> str:
        """Return what something is set to: at the head of a live script, be it recorded or just asked for, else at the
        position.
        """
        return self._switches.in_force(what, self.training() if self.is_live else self.frame().training)

    def intervene(self, intervention: Intervention) -> str:
        """Change something from outside, at the head of a live script; return a sentence that says what it does.

        Raises:
            UserError: the script is over.
        """
        if not self.is_live:
            raise UserError(f"{OVER}: only a new run can change the past ({self._new_run(intervention)})")
        head, iteration = self.run.head, self.iteration
        is_later = intervention.iteration > max(iteration, 1)
        if not is_later and intervention.what != "record" and self._is_in_past():
            raise UserError(
                f"the past stays as it is: {_branch(intervention)} starts a run from here with it, and at the head"
                f" (`head`: event {head:,}) `{intervention.what.replace('_', '-')}` changes this run"
            )
        if not self.is_running:
            self._is_following = self.is_at_head
        if not is_later:
            self._switches.ask(intervention, self.training())
        self.run.intervene(intervention)
        if is_later:
            return say(intervention, f"from iteration {intervention.iteration} on")
        late = f" (iteration {intervention.iteration} has begun already)" if intervention.iteration > 1 else ""
        where = "" if self.is_at_head else f" at the head, event {head}"
        return say(intervention, f"from now on{where}{late}")

    def _is_in_past(self) -> bool:
        return not self.is_at_head and not (self.is_running and self._is_following)

    def _new_run(self, intervention: Intervention) -> str:
        """Return what makes a run with a change from the position on."""
        here, training = self.event(), self.frame().training
        is_over = training.is_over or (here is not None and here.kind == "end")
        if intervention.what == "record":
            return f"gradb {option(intervention, 1 if here is None or is_over else here.iteration)} SCRIPT"
        return f"{_branch(intervention)} starts one from {'an earlier position' if is_over else 'here'}"

    def ask(self, ask: Ask) -> None:
        """Have the node that the script is held at probed; the position goes to the answer, which is an event."""
        self._legs.clear()
        self._is_following = True
        self.run.ask(ask)

    def evaluate(self, text: str) -> None:
        """Have the script evaluate an expression where it is held; the position goes to the answer, which is an event.

        It is the script's own code that runs then, and it may have side effects.
        """
        self._legs.clear()
        self._is_following = True
        self.run.evaluate(text)

    # --- the debuggee -------------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``pump`` has something to do; -1 when not live."""
        return self.run.fileno()

    def pump(self, timeout: float = 0.0) -> bool:
        """Take in what the debuggee said, waiting up to ``timeout`` seconds for it; return whether anything changed."""
        was_live = self.is_live
        messages = self.run.pump(timeout)
        if was_live and self._is_following:
            self.spot = Spot(self.run.head)
        if any(isinstance(message, Paused) for message in messages) and not self.is_running and self.is_live:
            self._on_paused()
        if was_live and not self.is_live:
            self._on_ended()
        return bool(messages) or was_live != self.is_live

    def _on_paused(self) -> None:
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            finished(self._arrive(under_way, Spot(self.run.head)))
        if self._is_following:
            finished(self._walk_on())

    def _on_ended(self) -> None:
        under_way, self._under_way = self._under_way, None
        self._legs.clear()
        self.message, self.tells_of_end = self.failure or f"{OVER} ({self.status})", not self.failure
        if under_way is not None and not self.failure:
            finished(self._count(under_way, Spot(self.run.head)))
            self._miss(under_way, f"{OVER} ({self.status}) without")
            self._hear(is_over=True)

    def wait(self, timeout: float | None = None) -> bool:
        """Pump until the script pauses or is over; False when it still runs after ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self.search_on(math.inf)
        while self.is_running:
            left = 0.2 if deadline is None else min(0.2, deadline - time.monotonic())
            if left <= 0:
                return False
            self.pump(left)
        return True

    def close(self) -> None:
        """End a live debuggee with all its children, finish the tape and let go of it; safe to call twice."""
        self.break_off()
        self.inplace.close()
        self.run.close()


def _branch(intervention: Intervention) -> str:
    return f"`branch {intervention.what} {intervention.value}`"
