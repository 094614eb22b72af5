"""What stands in for a script with torch: tapes written without it, and a debuggee that plays one again.

``TapeBuilder`` writes any tape; its class methods write the tapes of small scripts.
"""

from __future__ import annotations

from pathlib import Path

from tests.fakes.builder import TapeBuilder
from tests.fakes.forward import Variable
from tests.fakes.packing import diagonal, pack, value

DEBUGGEE = str(Path(__file__).with_name("debuggee.py"))
"""To be started in place of the tracer, with a tape."""

__all__ = ["DEBUGGEE", "TapeBuilder", "Variable", "diagonal", "pack", "value"]
