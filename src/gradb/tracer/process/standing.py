"""Says what there is of the script's side, for ``gradb --version``: gradb's own process does not load the tracer."""

from __future__ import annotations

from gradb.tracer.checkpoints import landlock
from gradb.tracer.native.loading import standing


def checkpoints() -> str:
    """Return whether a checkpoint can be kept from doing harm here, and from what it cannot be kept."""
    if (why := landlock.why_not()) is not None:
        return f"checkpoints: none can be made, {why}"
    lacks = landlock.missing()
    but = f", which does not keep them from {' and '.join(lacks)}" if lacks else ""
    return f"checkpoints: Landlock version {landlock.abi()}{but}"


if __name__ == "__main__":
    print(standing().text)
    print(checkpoints())
