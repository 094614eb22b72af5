"""THE table of panes: one row each, in the order of their keys.

Screen, layout, keys, commands, `show`, JSON and documentation are made from these rows. A pane is a file of this folder
with the functions ``render`` and ``to_json``, loaded when it is drawn first: who reads a row (the debugger, for its
commands) needs nothing that draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gradb.frame.frame import Frame
    from gradb.present.json.values import Json
    from gradb.present.options import Options

Place = Literal["source", "graph", "node", "grads"]
"""A part of the screen; of the panes that share it one is seen. ``node``: those about one node."""
Apart = Literal["", "tall", "wide"]


class Drawing(Protocol):
    """A file of this folder: pure functions of a Frame."""

    def render(self, frame: Frame, options: Options) -> RenderableType:
        """Return what the pane shows."""
        ...

    def to_json(self, frame: Frame, options: Options) -> Json:
        """Return the same as data."""
        ...


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """One pane."""

    name: str
    """As typed: ``show chain``."""
    keys: tuple[str, ...]
    """Keys that go there, as Textual names them; the first stands before the label."""
    label: str
    """What its border says."""
    look: str
    """What one looks at there, for the help of its command: ``the chain rule``."""
    help: str
    """What the help screen says of it."""
    place: Place
    load: Callable[[], Drawing]
    """Returns its file."""
    apart: Apart = ""
    """The least screen on which it has a place of its own; empty where it shares one at every size."""
    shows: frozenset[str] = frozenset()
    """What it shows of that which may be missing: ``values``, ``gradients``, the ``event`` itself, its ``place``, and
    the ``insides`` of an iteration (ops, nodes and gradients), which watching leaves out."""
    is_judged: bool = False
    """It shows what was found on the tape, so that without a screen all of that is judged first."""
    has_displays: bool = False
    """It shows what the user's displays come to."""

    def render(self, frame: Frame, options: Options) -> RenderableType:
        """Draw it; what is missing at the position is said first."""
        from gradb.present.lines.unrecorded import telling

        return telling(self.load().render, self.shows, frame, options)


def pane_json(name: str, frame: Frame, options: Options | None = None) -> Json:
    """Return what a pane shows, as data.

    Raises:
        KeyError: there is no pane of that name.
    """
    from gradb.present.json.positions import position_json
    from gradb.present.lines.unrecorded import unrecorded
    from gradb.present.options import Options

    spec = PANES[name]
    head = {"pane": name, **position_json(frame.called, frame.position), "head": frame.head, "phase": frame.phase}
    head["not_recorded"] = unrecorded(spec.shows, frame) or None
    return {**head, **spec.load().to_json(frame, Options() if options is None else options)}


def sharing(name: str) -> tuple[str, ...]:
    """Return the panes that share the place of a pane, itself among them, the first of them in front at first."""
    return tuple(spec.name for spec in PANES.values() if spec.place == PANES[name].place)


# --- the files --------------------------------------------------------------------------------------------------------


def _source() -> Drawing:
    from gradb.present.panes import source

    return source


def _graph() -> Drawing:
    from gradb.present.panes import graph

    return graph


def _chain() -> Drawing:
    from gradb.present.panes import chain

    return chain


def _grads() -> Drawing:
    from gradb.present.panes import grads

    return grads


def _output() -> Drawing:
    from gradb.present.panes import output

    return output


def _training() -> Drawing:
    from gradb.present.panes import training

    return training


def _paths() -> Drawing:
    from gradb.present.panes import paths

    return paths


def _saved() -> Drawing:
    from gradb.present.panes import saved

    return saved


def _aten() -> Drawing:
    from gradb.present.panes import aten

    return aten


def _findings() -> Drawing:
    from gradb.present.panes import findings

    return findings


def _displays() -> Drawing:
    from gradb.present.panes import displays

    return displays


def _printed() -> Drawing:
    from gradb.present.panes import printed

    return printed


def _stack() -> Drawing:
    from gradb.present.panes import stack

    return stack


def _values() -> Drawing:
    from gradb.present.panes import values

    return values


# --- the rows ---------------------------------------------------------------------------------------------------------

_VALUES, _GRADIENTS = frozenset({"values"}), frozenset({"gradients"})
_ALL = _VALUES | _GRADIENTS
_INSIDES = frozenset({"insides"})


def _by_name(rows: Iterable[PaneSpec]) -> dict[str, PaneSpec]:
    return {row.name: row for row in rows}


PANES: dict[str, PaneSpec] = _by_name((
    PaneSpec(
        "source", ("1",), "source", "the source",
        "The script. The line that was just run is marked, and in it the very expression.\n"
        "» is the line that made the node which the chain rule pane is about, « the backward call that runs.\n"
        "✗ in the place of the arrow: the expression has raised an error.\n"
        "◉ a breakpoint   ◈ one with a condition   ◌ one not come to so far   ○ one that is off\n"
        "Up, down and a click go to a line; b, or a double click, sets a breakpoint there, or takes it away.\n"
        "Shift and the arrow keys move the text sideways.",
        "source", _source, shows=frozenset({"event", "place"}),
    ),
    PaneSpec(
        "graph", ("2",), "graph", "the graph",
        "The grad_fn graph as PyTorch built it, from the newest output to the leaves, in the order in which the engine "
        "runs it; a shared node is drawn once. A chain is one upright line, ├─ is a branch of it.\n"
        "· not run backward yet   ○ waits for its turn   ▶ running   ● has run   ◌ has run, saved values freed\n"
        "✗ the engine raised an error there   ? not known: something was not recorded\n"
        "Up and down select a node: the chain pane shows its record, and `y` copies the Python that reaches it.\n"
        "▸ what a module made is one line in a large graph, equal modules beside each other too: enter, or a click on "
        "it, opens it and closes it (▾), O opens all. Ops that are repeated (…) are a line too.\n"
        "A part of a model is called by its path in it (h.3), and what the model does outside of its parts by its "
        "class (Net).\n"
        "↑ and ↓ lead to a node that is drawn further up or down, by the name of the output that is used here.\n"
        "r shows how large the gradient was at each node: a cell of the bar is a power of ten, ? is not known.",
        "graph", _graph, shows=_ALL | _INSIDES,
    ),
    PaneSpec(
        "chain", ("3",), "chain rule", "the chain rule",
        "What happened at one node: upstream × local = downstream, as mathematics, as PyTorch's own formula and as "
        "numbers, each product checked against what the engine really produced. It follows the run; select a node in "
        "the graph to see that node's record instead, until the next step. Shift and the arrow keys move over a matrix "
        "that is larger than its place.",
        "node", _chain, shows=_ALL | _INSIDES | {"event"},
    ),
    PaneSpec(
        "grads", ("4",), ".grad", "the .grad buffers",
        "The .grad buffer of every leaf: before + added = after at an accumulation, else its value. None is None.\n"
        "Of a model the norms come first: of the gradient, of the leaf, and the one by the other; ? was not recorded, "
        "– there is none, never: it never had a gradient though a backward came after it. largest: of all magnitudes.\n"
        "t sorts by the next column, `sort COLUMN` by any, `filter TEXT` lists those with the text in name or words, "
        "and / finds it among the rows.\n"
        "Enter, or a click, lists the leaves that are gone or frozen, which have one line each.",
        "grads", _grads, shows=_GRADIENTS | _INSIDES,
    ),
    PaneSpec(
        "output", ("5", "o"), "output", "the output",
        "What the script printed up to the position, standard error marked.",
        "source", _output, apart="tall",
    ),
    PaneSpec(
        "training", ("6",), "training", "the training: the losses, and what was changed",
        "The losses over the iterations of the whole run as far as it is recorded; the upright line is the position.\n"
        "0 goes round the zero_grad policies of a live script (script, off, on), w round the depth of recording.\n"
        "v runs the script again with the other policy and plots its losses too.\n"
        "L is the logarithmic scale; + and - show fewer and more iterations; S draws a mean beside noisy losses.\n"
        "Shift with left or right chooses an iteration, x opens it in full; k keeps checkpoints, from which that is "
        "quick.",
        "graph", _training, apart="wide", shows=_ALL, is_judged=True,
    ),
    PaneSpec(
        "paths", ("7",), "paths", "the paths from a leaf to the root",
        "The paths from a leaf to what was differentiated: along each the product of the local derivatives, and their "
        "sum, checked against the gradient that the engine really produced. Select a leaf in the graph; `path` goes "
        "from one path to the next.",
        "node", _paths, shows=_ALL | _INSIDES,
    ),
    PaneSpec(
        "saved", ("8",), "saved", "what the node saved, and the graph's memory",
        "What the node saved in the forward for its backward: names, shapes, values, when it was freed and by which "
        "backward; and how much memory the whole graph holds at this position.",
        "node", _saved, shows=_VALUES | _INSIDES,
    ),
    PaneSpec(
        "aten", ("9",), "aten", "the ATen calls of the op or node",
        "The ATen calls that an op or a node makes, with their tensors. They are recorded where you step into it: "
        "`into` (>) goes in, `out` (<) comes out again.",
        "node", _aten, shows=_INSIDES,
    ),
    PaneSpec(
        "findings", ("F",), "findings", "the findings: what is wrong with the training",
        "What is wrong with the training, as far as it is to be seen at the position, judged as `gradb check` does; "
        "later findings are counted. Up and down select a finding or one of its steps, enter goes there.\n"
        "`gradb rule CODE` says what a rule means.",
        "node", _findings, is_judged=True,
    ),
    PaneSpec(
        "displays", ("W",), "displays", "the displays: your expressions, at every stop",
        "What your expressions come to at the position and, where that is another value, what they came to one stop "
        "before. `display norm(upstream)` adds one, `undisplay 1` takes the first away.\n"
        "* it has changed   ? not known whether it has: of a large value only statistics were kept, and are the same",
        "node", _displays, shows=_ALL, has_displays=True,
    ),
    PaneSpec(
        "stack", ("K",), "stack", "the calls that lead here",
        "The calls of the script's functions that lead to the position, the innermost first, each with its line; "
        "frames of libraries are folded. At a node that the engine runs, those that lead to the backward call.\n"
        "Up and down select one, enter shows its line in the source pane.",
        "node", _stack, shows=frozenset({"event", "place"}),
    ),
    PaneSpec(
        "values", ("V",), "values", "the elements of a tensor",
        "The elements of what `values EXPR` names, as they are at the position. A small matrix is drawn in numbers, a "
        "large one as a heat map with its scale, and numbers below it; Shift and arrow keys move over both. Rows of "
        "more than two dimensions have the indices of all but the last. Of what was not kept whole there are the "
        "statistics and the first elements; Enter asks a script that is held for the part that is looked at, and Shift "
        "and the arrow keys for those beside, as `print` does.",
        "node", _values, shows=_VALUES | _GRADIENTS,
    ),
    PaneSpec(
        "printed", ("X",), "print", "what the script was asked for by `print`",
        "What came of the newest `print` that the script itself has evaluated up to the position: its value, what it "
        "printed, and what it changed that is not put back. It comes to the front where the position is at the answer.",
        "node", _printed,
    ),
))  # fmt: skip
