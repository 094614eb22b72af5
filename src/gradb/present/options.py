"""What a pane is told besides the Frame: the room it has and what the user has selected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gradb.frame.chain.record import Chain
from gradb.frame.displayed import Found, Row
from gradb.frame.graph.choice import AT_FIRST, Choice
from gradb.frame.graph.flows import Measure
from gradb.frame.lesson.lesson import Question
from gradb.tape.series import Series

if TYPE_CHECKING:
    from gradb.diagnosis.judged import Judged


@dataclass(frozen=True, slots=True)
class Plot:
    """How losses are plotted."""

    is_log: bool = False
    """Logarithmic scale of the values; else linear."""
    last: int | None = None
    """Only the last so many iterations; None for the whole run."""
    smooth: int | None = None
    """A mean over so many iterations is drawn beside the values; None: none."""
    chosen: int | None = None
    """The iteration that the keyboard is on; None: that of the position."""


@dataclass(frozen=True, slots=True)
class OtherRun:
    """Another run, whose losses are drawn in the same plot."""

    label: str
    """What tells it from this run: ``zero_grad off``."""
    series: tuple[Series, ...]
    """All its series; the losses among them are drawn."""
    note: str = ""
    """A reservation about the comparison: ``no --seed: initialisations may differ``."""
    is_running: bool = False
    """True while it is not over."""


@dataclass(frozen=True, slots=True)
class Kin:
    """A run of which another one is a branch, or the other way round; its losses are drawn in the same plot."""

    number: int
    """Of a branch from 1 on; 0: the first run."""
    name: str
    """``branch 2``, ``the first run``."""
    label: str
    """What tells it from the others: ``branch 2: zero_grad off from iteration 120``."""
    series: tuple[Series, ...] = ()
    """All its series; the losses among them are drawn."""
    is_running: bool = False
    """True while its script moves."""
    change: str = ""
    """What it is a branch by: ``zero_grad off``."""
    iteration: int = 0
    """In which iteration it branches off; 0: at the start."""


MOST_KIN = 6
"""So many branches are drawn at most: each has a sign of its own."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One of the runs that one goes to and fro between, for their list."""

    key: str
    """What it is gone to by: ``0`` the first run, ``2`` the second branch, ``v`` the ghost."""
    label: str
    """``branch 2: zero_grad off from iteration 120``."""
    status: str
    """``paused``, ``running``, ``finished`` ...; empty where nobody has looked."""
    iteration: int
    """The last one that has a loss; 0 where none has."""
    loss: float | None
    """The newest loss."""
    is_here: bool
    """It is the one that one looks at."""
    path: str
    """Of its tape."""


@dataclass(frozen=True, slots=True)
class Branches:
    """The branches of a run."""

    here: str = ""
    """What this run is among them: ``branch 1``; empty where there are none."""
    number: int = 0
    """Its number."""
    others: tuple[Kin, ...] = ()
    """The other ones."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of a live run: copies of its script's process that wait."""

    most: int = 0
    """How many are kept at most; 0: none."""
    places: tuple[tuple[int, int], ...] = ()
    """Of each that waits the iteration that begins there, and the last event before it; in their order."""
    size: int = 0
    """Bytes that they hold alone, as far as that was measured while the script lived."""
    made: int = 0
    """How many were made."""
    spent: float = 0.0
    """CPU seconds of the script's process that this took."""
    refusal: str = ""
    """Why the newest that was due could not be made, as a clause; empty where it could."""
    due: float = 0.0
    """CPU seconds of the script after which the first comes; 0.0: sooner, or there can be none."""


@dataclass(frozen=True, slots=True)
class PathChoice:
    """Whose paths are shown, and which of them in full."""

    leaf: str = ""
    """Name of the leaf, or of another tensor that the backward reached; empty follows the node."""
    node: int | None = None
    """Node id selected in the graph; None follows the position."""
    number: int | None = None
    """The path that is shown in full, from 1; None lists them."""


@dataclass(frozen=True, slots=True)
class GraphChoice:
    """How the graph is drawn."""

    folds: Choice = AT_FIRST
    """Which folds are open."""
    measure: Measure | None = None
    """What is shown of the gradient that came to each node; None for nothing."""


@dataclass(frozen=True, slots=True)
class Values:
    """The tensor whose elements are looked at."""

    text: str = ""
    """The expression that was asked for; empty: none."""
    asked: int = 0
    """How often something was asked for."""
    found: Found | None = None
    """What it comes to at the position."""


@dataclass(frozen=True, slots=True)
class Grads:
    """How the .grad buffers are listed."""

    sort: str = "script"
    """What they are sorted by: one of ``frame.gradtable.COLUMNS``; ``script``: as their leaves appeared."""
    is_reversed: bool = False
    """The other direction: numbers from the smallest on."""
    words: str = ""
    """Each of these words must be in a buffer's name, or in what is said of it; empty lists all."""
    unfolded: frozenset[str] = frozenset()
    """The kinds of leaves that are not folded: ``gone``, ``frozen``."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question of a lesson that is asked."""

    question: Question
    count: int
    """How many questions the lesson has."""
    said: str = ""
    """What was said to the last answer; empty: none was given."""


@dataclass(frozen=True, slots=True)
class Options:
    """Room and selection."""

    width: int = 80
    """Cells a line may take."""
    height: int | None = None
    """Lines there are; None for as many as it takes."""
    selected_node: int | None = None
    """Node id selected in the graph; None follows the position."""
    chain: Chain | None = None
    """Chain record of the selected node; None takes the Frame's."""
    matrix: tuple[int, int] = (0, 0)
    """First row and first column that are shown of a matrix too large for its place."""
    paths: PathChoice = PathChoice()
    """Whose paths are shown, and which."""
    graph: GraphChoice = GraphChoice()
    """How the graph pane draws."""
    values: Values = Values()
    """The tensor whose elements are looked at."""
    grads: Grads = Grads()
    """How the .grad buffers are listed."""
    plot: Plot = Plot()
    """How the training pane plots."""
    ghost: OtherRun | None = None
    """Another run to plot beside this one."""
    branches: Branches = Branches()
    """The run's branches, or those that it is one of."""
    checkpoints: Checkpoints = Checkpoints()
    """What waits of the script."""
    judged: Judged | None = None
    """What was found on the tape; None where nothing was judged."""
    displayed: tuple[Row, ...] = ()
    """What the user's displays come to at the position."""
    asked: Asked | None = None
    """The question that is asked; None: none is."""
    given: frozenset[int] = frozenset()
    """Lines of the hints of a lesson that may be read."""
    row: int | None = None
    """Which of the rows that lead to an event is selected, from 0; None: none."""

    def with_row(self, row: int | None) -> Options:
        """Return the same with another row selected."""
        return replace(self, row=row)
