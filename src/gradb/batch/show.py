"""A pane as printed text or JSON: what the screen shows at a position, without a screen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gradb.batch.lines import line
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.diagnosis.judged import Judged
from gradb.frame.chain.record import Chain
from gradb.frame.displayed import Row
from gradb.frame.frame import Frame
from gradb.present.draw.text import to_text
from gradb.present.options import Branches, Checkpoints, Grads, Options, PathChoice, Values
from gradb.present.panes.table import PANES, pane_json


@dataclass(frozen=True, slots=True)
class Style:
    """How panes are printed."""

    width: int = 100
    """Columns."""
    is_json: bool = False
    is_coloured: bool = False


def pane_text(
    name: str,
    frame: Frame,
    style: Style,
    choice: PathChoice | None = None,
    judged: Judged | None = None,
    displayed: tuple[Row, ...] = (),
    grads: Grads | None = None,
    values: Values | None = None,
    chain: Chain | None = None,
    branches: Branches | None = None,
    checkpoints: Checkpoints | None = None,
) -> str:
    """Return a pane of a Frame as text that ends with a line end.

    Args:
        name: the pane.
        frame: what it shows.
        style: how it is printed.
        choice: whose paths, and which of them; None for the default.
        judged: what was found on the tape, for the panes that show that.
        displayed: what the displays come to, in the same way.
        grads: how the .grad buffers are listed; None for the default.
        values: the tensor that is looked at, as it is there; None for none.
        chain: the record of the node that was chosen; None for that of the position.
        branches: the other runs that are plotted; None for none.
        checkpoints: what waits of the run; None for nothing.

    Raises:
        UserError: there is no pane of that name.
    """
    if name not in PANES:
        what = f"there is no pane {name!r}" if name else "`show` needs a pane"
        raise UserError(f"{what}: the panes are {', '.join(PANES)}")
    options = Options(
        width=style.width,
        selected_node=None if choice is None else choice.node,
        chain=chain,
        paths=choice or PathChoice(),
        judged=judged,
        displayed=displayed,
        grads=grads or Grads(),
        values=values or Values(),
        branches=branches or Branches(),
        checkpoints=checkpoints or Checkpoints(),
    )
    if style.is_json:
        return line(pane_json(name, frame, options)) + "\n"
    return to_text(PANES[name].render(frame, options), style.width, is_coloured=style.is_coloured)


def debugger_text(name: str, debugger: Debugger, style: Style, branches: Branches | None = None) -> str:
    """Return a pane at the position of a debugger; of one that shows what was found, all is judged first.

    Args:
        name: the pane.
        debugger: whose position.
        style: how it is printed.
        branches: the other runs that are plotted; None for none.

    Raises:
        UserError: there is no pane of that name, or the tape is damaged.
    """
    spec = PANES.get(name)
    judged = debugger.judged() if spec is not None and spec.is_judged else None
    displayed = debugger.displayed() if spec is not None and spec.has_displays else ()
    frame, node, tape = debugger.frame(), debugger.chosen, debugger.tape
    choice = replace(debugger.choice, node=node)
    chain = None if node is None or tape is None else tape.chain(node, frame.position)
    told = (choice, judged, displayed, debugger.grads, debugger.looked(), chain, branches)
    return pane_text(name, frame, style, *told, checkpoints=debugger.run.checkpoints.standing)
