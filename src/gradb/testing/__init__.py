"""Test fakes of gradb, part of the product: tapes written without torch.

``TapeBuilder`` writes any tape; its class methods write the tapes of small scripts.
"""

from __future__ import annotations

from gradb.testing.builder import TapeBuilder
from gradb.testing.forward import Variable
from gradb.testing.packing import diagonal, pack, value

__all__ = ["TapeBuilder", "Variable", "diagonal", "pack", "value"]
