"""Says which accelerator there is, for ``gradb --version``: the debugger's own process does not load the tracer."""

from __future__ import annotations

from gradb.tracer.native.loading import standing

print(standing().text)
