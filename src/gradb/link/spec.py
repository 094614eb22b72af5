"""What to run and how: the order that gradb gives to the debuggee on its command line.

Imported in the user's process too. It knows neither processes nor sockets.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gradb.tape.stops import Stop

What = Literal["zero_grad", "lr", "record"]
"""What can be changed from outside: the zero_grad policy (``script``, ``off``, ``on``), the learning rate of every
optimizer (``script`` or a number), the depth of recording (``full``, ``watch``).
"""


@dataclass(frozen=True, slots=True)
class Intervention:
    """A change to make from outside."""

    what: What
    value: str
    iteration: int = 1
    """It is made when this iteration begins; at once where that has begun already."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """One element of a leaf to change by a little, in a run that is made only to see what becomes of the root.

    The leaf is found again by name and shape, and the moment by what it was used for before: runs of the same script
    agree in these up to the moment itself, though not in the numbers of their events (output is cut by the clock).
    """

    name: str
    """What the leaf is called when it is first recorded; empty where it has no name."""
    shape: tuple[int, ...]
    ordinal: int
    """Which of the leaves of that name and shape it is, from 1."""
    uses: int
    """Recorded calls that had the leaf among their inputs before the moment."""
    steps: int
    """Optimizer steps before the moment."""
    backward: int
    """Which call of the engine, from 1, has the root whose value is asked for."""
    index: int
    """The element, row-major."""
    delta: float = 0.0
    """What is added to it."""
    is_imaginary: bool = False
    """Of a complex element: its imaginary part is meant, else the real part."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run of one script or module."""

    script: str | None
    """Path of the script as given; None when ``module`` is run."""
    tape: str
    """Path of the tape, beside which the debuggee writes its log."""
    module: str | None = None
    """Name of the module, as after ``python -m``."""
    arguments: tuple[str, ...] = ()
    """What becomes ``sys.argv[1:]``."""
    stdin: str | None = None
    """A file to read standard input from; None: empty."""
    breakpoints: tuple[Stop, ...] = ()
    """Where a run that does not pause at its start pauses."""
    is_paused_at_start: bool = True
    """Wait for the first ``Continue`` before the script's first line."""
    passes_output: bool = False
    """What the script prints also goes to gradb's own stdout and stderr."""
    prints_to_stderr: bool = False
    """What passes goes to gradb's stderr alone, since its stdout has something else to say."""
    probe: Literal["auto", "small", "always", "never"] = "auto"
    """Whether local Jacobians are measured: where small and safe, wherever possible, or not at all."""
    limit: int = 1024
    """Largest number of elements of a tensor that is kept whole."""
    measures_updates: bool = False
    """It is measured how much each step changes, whoever asks for it."""
    seed: int | None = None
    """Seeds torch, random and numpy before the script uses them; None leaves them as they are."""
    interventions: tuple[Intervention, ...] = ()
    """What to change, and when."""
    aten: bool = False
    """Record the ATen calls of every op and node."""
    max_tape: int = 4 << 30
    """Bytes of the tape from which on the run is only watched."""
    nudge: Nudge | None = None
    """What a numerical check changes in this run."""
    cwd: str | None = None
    """The script's working directory; None: gradb's own."""
    hash_seed: int | None = None
    """The seed of Python's hashes of text, on which the order of sets depends; None: one is made up for this run."""
    ends_after: int | None = None
    """The process is killed as soon as this iteration is on the tape; None: it ends by itself."""
    is_terse: bool = False
    """While only watching, losses and steps make no events: their numbers alone are kept."""
    checkpoints: int = 0
    """So many checkpoints at most are kept of it (see ``link.checkpoints``); 0: none are made unless asked for."""
    line: int | None = None
    """Descriptor of the line over which checkpoints are announced; None: there is none. Filled in by ``launch``."""

    @property
    def target(self) -> str:
        """The script or module, as people call it."""
        return self.script or f"-m {self.module}"

    def to_json(self) -> str:
        """Return the spec as one line of ASCII JSON (lone surrogates of undecodable arguments survive)."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RunSpec:
        """Read back what ``to_json`` returned."""
        raw: dict[str, Any] = json.loads(text)
        raw["arguments"] = tuple(raw["arguments"])
        raw["breakpoints"] = tuple(Stop(**stop) for stop in raw["breakpoints"])
        raw["interventions"] = tuple(Intervention(**intervention) for intervention in raw["interventions"])
        if raw["nudge"] is not None:
            raw["nudge"] = Nudge(**raw["nudge"] | {"shape": tuple(raw["nudge"]["shape"])})
        return cls(**raw)
