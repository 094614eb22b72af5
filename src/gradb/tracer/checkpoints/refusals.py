"""Why no checkpoint can be made now: whatever a forked child could not have for itself, or could do harm with.

Asked at each checkpoint, in the script's process: it must be quick, and leave all as it is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from gradb.tracer.checkpoints import landlock, memory, opened, semaphores
from gradb.tracer.checkpoints.mappings import Mappings
from gradb.tracer.checkpoints.threads import Threads

_SEGMENT = ".gradb-log"
_OF_TORCH = "/dev/shm/torch_"  # noqa: S108 - this is where torch puts tensors that go from one process to another
_ACCELERATORS = ("cuda", "xpu", "mtia")
_TIMERS = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")


@dataclass(frozen=True, slots=True)
class Ours:
    """What of this process is gradb's own."""

    threads: frozenset[int]
    """Native ids."""
    descriptors: frozenset[int]
    log: str
    """Folder of the log, of which a segment is mapped."""


class Refusals:
    """Finds what stands against a checkpoint; what it has found out of a thread it remembers."""

    def __init__(self) -> None:
        self._threads = Threads()

    def why_not(self, ours: Ours, room: int | None = None) -> str | None:
        """Return what stands against one, as a clause that goes on after "no checkpoint can be made: "; None: nothing.

        Called on the thread that would fork.

        Args:
            ours: what is gradb's.
            room: bytes that a second copy of the script's memory may take; None: what is free.
        """
        return next((why for why in self._reasons(ours, room) if why is not None), None)

    def _reasons(self, ours: Ours, room: int | None) -> Iterator[str | None]:
        yield landlock.why_not()
        yield _accelerator()
        yield _children()
        yield _timer()
        yield opened.why_not(opened.look(ours.descriptors))
        mappings = Mappings.now()
        yield _shared_memory(mappings, ours.log)
        yield self._threads.why_not(ours.threads, mappings)
        yield memory.why_not(room)


def _accelerator() -> str | None:
    for name in _ACCELERATORS:
        if getattr(sys.modules.get(f"torch.{name}"), "_initialized", False) is True:
            return f"the script uses an accelerator ({name}), whose memory a forked child does not have"
    return None


def _children() -> str | None:
    count = 0
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/children", "rb", buffering=0) as file:
            count += len((file.readall() or b"").split())
    if not count:
        return None
    what = f"{count} other process{'es' if count > 1 else ''}"
    loaders = " (workers of a DataLoader, perhaps)" if "torch.utils.data" in sys.modules else ""
    return f"the script has started {what}{loaders}, which a fork does not take along"


def _timer() -> str | None:
    is_set = any(signal.getitimer(getattr(signal, name))[0] for name in _TIMERS)
    return (
        "the script has set a timer (signal.alarm or setitimer), which a fork does not take along" if is_set else None
    )


def _shares(name: str) -> str:
    if name.startswith(_OF_TORCH):
        return "a tensor lies in memory shared with another process: it came from a worker of a DataLoader, perhaps"
    return f"the script can write to memory that it shares ({name or 'without a name'})"


def _shared_memory(mappings: Mappings, log: str) -> str | None:
    for one in mappings.shared():
        is_ours = one.name.startswith(log + os.sep) and one.name.removesuffix(" (deleted)").endswith(_SEGMENT)
        if not is_ours and not semaphores.is_one(one.name):
            return _shares(one.name)
    if any(one.is_taken for one in semaphores.take(mappings)):
        return "a lock between processes is held"
    return None
