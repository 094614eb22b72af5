"""Both pens, for the tests of this folder."""

from __future__ import annotations

from tests.unit.log.conftest import make_pen

__all__ = ["make_pen"]
