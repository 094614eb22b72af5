"""THE registry of commands: one row each, in the order in which people read them.

Key bindings, footer, help, palette, the `:` prompt, the language of command scripts and the table in the docs are all
made from these rows, so none of them can say something else than the others. A command acts on a ``Debugger`` and knows
no screen; what it cannot do, a ``FrontEnd`` does (``front``), or a screen alone: those are here for their name, key
and help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gradb.debugger.commands import actions, breaking, keeping, listing, paths as looking, probe as asking
from gradb.present.panes.table import PANES, PaneSpec, sharing

if TYPE_CHECKING:
    from gradb.debugger.commands.frontend import FrontEnd
    from gradb.debugger.debugger import Debugger

Group = Literal["move", "run", "change", "breakpoints", "look", "screen"]
Run = Callable[["Debugger", str], str | None]
Front = Callable[["FrontEnd", str], None]

GROUPS: dict[Group, str] = {
    "move": "Move in time",
    "run": "Run on",
    "change": "Change the run",
    "breakpoints": "Breakpoints",
    "look": "Look",
    "screen": "Screen",
}
"""Heading of each group, in order."""

SIGNS = {
    "full_stop": ".",
    "comma": ",",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
}
"""What is printed on a key that Textual names by a word."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    """As typed, e.g. ``line-back``."""
    keys: tuple[str, ...]
    """Keys as Textual names them; the first is the one that help and footer show."""
    help: str
    """One line."""
    group: Group
    run: Run | None
    """Does it and returns what to tell the user, if anything; raises UserError. None where the debugger cannot."""
    argument: str = ""
    """What may follow the name, for help: ``[COUNT]``, ``N``, ``PANE``."""
    twin: str = ""
    """Name of the command that undoes it."""
    front: Front | None = None
    """Has a front end do it, where that does it in its own way; raises UserError."""
    label: str = ""
    """Short words for the footer; empty where it is not shown there."""

    @property
    def has_screen(self) -> bool:
        """True for what only a screen can do."""
        return self.run is None and self.front is None

    @property
    def usage(self) -> str:
        """Name and argument."""
        return f"{self.name} {self.argument}".rstrip()


def needs_screen(name: str) -> str:
    """Return the sentence that refuses a command where there is no screen."""
    return f"`{name}` needs a screen: it works in `gradb SCRIPT` and `gradb open FILE`"


def _screen(name: str, keys: tuple[str, ...], help: str, argument: str = "", label: str = "") -> Command:
    return Command(name, keys, help, "screen", None, argument, label=label)


def _look(pane: PaneSpec) -> Command:
    """Return the command that goes to a pane."""
    first = PANES[sharing(pane.name)[0]]
    back = "" if first is pane else f"; again: back to the {first.label}"
    return _screen(pane.name, pane.keys, f"Look at {pane.look}{back}")


COUNT = "[COUNT]"
WHAT = "WHERE [if EXPR]"
AT = "[@ITERATION]"

_OWN = frozenset({"values"})
"""Panes whose command takes an argument, and has a row of its own."""

COMMANDS: tuple[Command, ...] = (
    Command("step", ("space", "right"), "Go to the next step: an op, a backward node, an accumulation ...", "move",
            actions.walk("step", 1), COUNT, "back", label="step"),
    Command("back", ("backspace", "left"), "Go to the step before", "move",
            actions.walk("step", -1), COUNT, "step", label="back"),
    Command("event", ("full_stop",), "Go to the very next event: a node about to run, a printed line ...", "move",
            actions.walk("event", 1), COUNT, "event-back"),
    Command("event-back", ("comma",), "Go to the very event before", "move",
            actions.walk("event", -1), COUNT, "event"),
    Command("line", ("n",), "Go to the next step on another source line", "move",
            actions.walk("line", 1), COUNT, "line-back", label="line"),
    Command("line-back", ("N",), "Go back to a step on another source line", "move",
            actions.walk("line", -1), COUNT, "line"),
    Command("phase", ("p",), "Go to the next phase: forward, backward, gradients, optimizer", "move",
            actions.walk("phase", 1), COUNT, "phase-back", label="phase"),
    Command("phase-back", ("P",), "Go back to the phase before", "move",
            actions.walk("phase", -1), COUNT, "phase"),
    Command("iteration", ("i",), "Go to the next iteration, or with @N to iteration N wherever it is", "move",
            actions.iteration(1), "[COUNT|@N]", "iteration-back"),
    Command("iteration-back", ("I",), "Go back to the iteration before, or with @N to iteration N", "move",
            actions.iteration(-1), "[COUNT|@N]", "iteration"),
    Command("into", ("greater_than_sign",), "Go into the next op or node: to the next ATen call that it makes", "move",
            actions.into, COUNT, "out"),
    Command("out", ("less_than_sign",), "Go out of the op or node: to its end", "move", actions.out, "", "into"),
    Command("until", (), "Go on to the next: node NAME, line N, module NAME, kind KIND, birth, nan, step ...",
            "move",
            actions.until(1), WHAT, "until-back"),
    Command("until-back", (), "Go back to the last: node NAME, line N, module NAME, kind KIND, birth, nan, step ...",
            "move",
            actions.until(-1), WHAT, "until"),
    Command("start", ("home", "g"), "Go to the start, before the first event", "move", actions.start, "", "head"),
    Command("head", ("end", "G"), "Go to the head: the last event recorded", "move", actions.head, "", "start"),
    Command("goto", (), "Go to event number N; past the head, the script runs on to it; 3000:17: in one lived again",
            "move", actions.goto, "N|ITERATION:N"),
    Command("continue", ("c",), "Run on to a breakpoint, an error, a birth of a NaN or infinity, or the end", "run",
            actions.continue_(1), "", "reverse-continue", label="continue"),
    Command("reverse-continue", ("C",), "Go back to a breakpoint, an error, a birth of a NaN or infinity, or the start",
            "run", actions.continue_(-1), "", "continue"),
    Command("finish", ("f",), "Run the script to its end, past every breakpoint", "run", actions.finish),
    Command("pause", ("s",), "Pause the running script at its next event", "run", actions.pause),
    Command("zero-grad", ("0",), "What clears gradients: the script, nothing (off), or gradb before each backward (on)",
            "change", actions.zero_grad, f"[script|off|on]{AT}", label="zero_grad"),
    Command("lr", (), "Set the learning rate of every optimizer, or give it back to the script", "change",
            actions.learning_rate, f"VALUE|script{AT}"),
    Command("record", ("w",), "Keep every event (full), or losses and gradient norms alone (watch)", "change",
            actions.depth, f"[full|watch]{AT}"),
    Command("branch", (), "Start a run from the position with something changed: zero_grad off, lr 1e-4", "change",
            None, "zero_grad|lr VALUE [anew]", front=lambda front, argument: front.branch(argument)),
    Command("branches", ("T",), "List the branches and the first run, and go to another: N, 0 the first, v the ghost",
            "change", None, "[N|v]", front=lambda front, argument: front.branches(argument)),
    Command("checkpoints", ("k",), "Keep checkpoints of a live script, to open iterations from; alone: say which wait",
            "change", keeping.checkpoints, "[N|off]"),
    Command("break", ("b",), "Set a breakpoint, as for until, or on a condition; alone: set or clear one on this line",
            "breakpoints", breaking.break_, "[WHERE] [if EXPR]", "clear", label="break"),
    Command("tbreak", (), "Set a breakpoint that is gone once it has stopped a movement", "breakpoints",
            breaking.tbreak, "[WHERE] [if EXPR]"),
    Command("clear", (), "Clear a breakpoint, by its number or as for break; without an argument: all of them",
            "breakpoints", breaking.clear, f"[N|{WHAT}]", "break"),
    Command("breakpoints", ("B",), "List the breakpoints: on or off, how often each was met", "breakpoints",
            breaking.list_breakpoints),
    Command("disable", (), "Switch a breakpoint off, or all of them, and keep it", "breakpoints",
            breaking.switch(False), "[N]", "enable"),
    Command("enable", (), "Switch a breakpoint on again, or all of them", "breakpoints",
            breaking.switch(True), "[N]", "disable"),
    Command("ignore", (), "Let breakpoint N pass the next COUNT times that it is met", "breakpoints",
            breaking.ignore, "N COUNT"),
    Command("show", (), f"Show a pane: {', '.join(PANES)}", "look", None, "PANE",
            front=lambda front, argument: front.show(argument)),
    Command("expect", (), "Check that an expression holds, e.g. a.grad == [28, 36, 44, 52]", "look",
            actions.expect, "EXPR"),
    Command("print", (), "Print what an expression comes to: in the held script (with ! only there), else by the tape",
            "look", None, "[!]EXPR", front=lambda front, argument: front.print(argument)),
    Command("display", (), "Show what an expression comes to at every stop, and before it; without one: list them",
            "look", actions.display, "[EXPR]", "undisplay"),
    Command("undisplay", (), "Take away the N-th display, or all", "look", actions.undisplay, "N|all", "display"),
    Command("path", (), "Show the next path of the paths pane in full, or the N-th, or all; with NAME: of that leaf",
            "look", looking.path, "[N|all] [NAME]"),
    Command("sort", ("t",), "Sort the .grad buffers: norm, ratio, parameter, shape, name ...; alone: by the next",
            "look", listing.sort, "[COLUMN [up|down]]"),
    Command("filter", (), "List the .grad buffers with TEXT in name or words (never, stale, nan ...); alone: all",
            "look", listing.filter_, "[TEXT]"),
    Command("values", ("V",), "Look at the elements of a tensor, e.g. values upstream; alone: the last, or the event's",
            "look", listing.values, "[EXPR]"),
    Command("unfold", (), "List the leaves that are gone, frozen or all; alone: the other way round", "look",
            listing.unfold, "[gone|frozen|all|none]"),
    Command("gradcheck", (), "Check a gradient by finite differences, running the script again: a[2], or the largest",
            "look", None, "[LEAF[INDEX]|off]", front=lambda front, argument: front.gradcheck(argument)),
    Command("why", ("e",), "Tell where a NaN or infinity was born (of here, an event, ...), or who did an error",
            "look", None, "[N|ITERATION:N|@ITERATION|again]", front=lambda front, argument: front.why(argument)),
    Command("relive", ("x",), "Open an iteration in full that was only watched, by a run again; alone: the position's",
            "look", None, "[ITERATION]", front=lambda front, argument: front.relive(argument)),
    Command("answer", ("a",), "Answer the question that a lesson asks here, or be asked it again", "look", None,
            "[ANSWER]", front=lambda front, argument: front.answer(argument)),
    Command("find", ("slash",), "Find in this pane; in the graph a node: by name, variable, module, shape (64x10), nan",
            "look", None, "[TEXT]", front=lambda front, argument: front.find(argument)),
    Command("jump", ("m",), "Go to the node that the event is about, or to that of a variable, parameter or name",
            "look", None, "[NAME]", front=lambda front, argument: front.jump(argument)),
    Command("probe", ("j",), "Measure the node that is held: its whole Jacobian, a row, a column, or one direction",
            "look", asking.probe, "[full|row d[0,1]|column a[2]|random [SEED]|with NUMBERS]"),
    Command("quiet", ("d",), "Stop at data preparation and initialisation too, or step over them again", "look",
            actions.quiet, "[on|off]"),
    Command("hints", ("h",), "Judge the hints too, which depend on what was meant, or no more: findings shows them",
            "look", actions.hints, "[on|off]"),
    Command("save", (), "Save the tape, as far as it goes, as FILE", "look", actions.save, "FILE"),
    *(_look(pane) for pane in PANES.values() if pane.name not in _OWN),
    _screen("fold", ("O",), "Open or close a fold of the graph (a module, repeated ops); alone: all, or as at first",
            "[all|none|auto|NAME]"),
    _screen("norms", ("r",), "Show in the graph how large the gradient was at each node: 2-norm, largest element, off",
            "[norm|max|off]"),
    _screen("ghost", ("v",), "Plot the losses of a second run with the other zero_grad policy too, or those of a tape",
            "[off|FILE]"),
    _screen("log-scale", ("L",), "Plot the losses on a logarithmic scale, or on a linear one again"),
    _screen("plot-zoom", ("plus", "equals_sign"), "Plot the last N iterations; without a number half as many as now",
            "[N|all]"),
    _screen("plot-widen", ("minus",), "Plot twice as many iterations as now, up to the whole run"),
    _screen("smooth", ("S",), "Draw a mean over N iterations beside noisy losses, or none again", "[N|off]"),
    _screen("next-pane", ("tab",), "Go to the next pane"),
    _screen("previous-pane", ("shift+tab",), "Go to the pane before"),
    _screen("zoom", ("z",), "Give the whole screen to the pane in focus, or give it back"),
    _screen("hide", ("H",), "Hide the pane in focus, or PANE, and give its room to others; again: show it", "[PANE]"),
    _screen("wider", ("ctrl+right", "right_square_bracket"), "Make the pane in focus wider", "[CELLS]"),
    _screen("narrower", ("ctrl+left", "left_square_bracket"), "Make the pane in focus narrower", "[CELLS]"),
    _screen("taller", ("ctrl+down", "right_curly_bracket"), "Make the pane in focus taller", "[LINES]"),
    _screen("shorter", ("ctrl+up", "left_curly_bracket"), "Make the pane in focus shorter", "[LINES]"),
    _screen("reset-layout", ("R",), "Put the panes where they were at first, at this size of the terminal"),
    _screen("copy", ("y",), "Copy the Python expression that reaches the selected node"),
    _screen("next-lesson", ("l",), "End this lesson and open the next one of the course"),
    _screen("break-off", ("escape",), "Break off a search, a run again, a check or a ghost; else pause the script"),
    _screen("interrupt", ("ctrl+c",), "Break off what takes long, or pause the script; twice: KeyboardInterrupt in it"),
    _screen("prompt", ("colon",), "Type a command", label="command"),
    _screen("palette", ("ctrl+p",), "Pick a command or a colour theme from a list"),
    _screen("help", ("question_mark", "f1"), "Show help for the pane in focus and all keys", label="help"),
    _screen("quit", ("q", "ctrl+q"), "Quit; a script still running is ended", label="quit"),
)  # fmt: skip

BY_NAME: dict[str, Command] = {command.name: command for command in COMMANDS}
