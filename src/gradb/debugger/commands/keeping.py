"""What the command about checkpoints does: it has them kept of a live script, lets them go, and says which wait."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gradb.debugger.checkpoints.pool import BOUND
from gradb.debugger.errors import UserError
from gradb.debugger.numerals import read_whole
from gradb.present.lines.checkpoints import ended, price, told

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

USUAL = 16
"""How many are kept where no number is given."""


def checkpoints(debugger: Debugger, argument: str) -> str:
    """Have at most so many kept, or none (``off``); alone: have some kept, or say which there are."""
    pool = debugger.run.checkpoints
    pool.look()
    if not argument and (said := told(pool.standing)):
        return f"checkpoints: {said}"
    if argument == "off":
        count = len(pool)
        pool.keep(0)
        return ended(count - len(pool), len(pool))
    if (most := read_whole(argument, 1) if argument else USUAL) is None:
        raise UserError(f"`checkpoints` takes how many are kept at most, or off, not {argument!r}")
    if not debugger.is_live:
        raise UserError("the script is not running any more, so no checkpoint can be made of it")
    if not pool.is_heard:
        if sys.platform == "linux":
            raise UserError("no checkpoint can be made of what goes on from one itself")
        raise UserError("no checkpoint can be made here: that takes Linux")
    pool.keep(most)
    return price(most, BOUND)
