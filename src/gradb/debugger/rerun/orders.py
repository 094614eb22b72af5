"""Orders for runs that are made beside the user's own, or in its place: what stays, and what each of them changes.

They say what is to be run and how it is recorded. Nothing here starts anything.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gradb.link.spec import Intervention, RunSpec

_SEEDS = 2**31
SURE = 14
"""From this iteration on the numbers of iterations are sure to be settled: what is wanted before is all of it."""
_HASH_SEED = "PYTHONHASHSEED"


def unattended(spec: RunSpec, **changes: Any) -> RunSpec:
    """Return the order for a run that pauses nowhere unless it is told to, and measures nothing."""
    fields: dict[str, Any] = {"breakpoints": (), "is_paused_at_start": False, "passes_output": False, "checkpoints": 0}
    return replace(spec, **fields | {"probe": "never", "aten": False} | changes)


def watching(spec: RunSpec, tape: str, full: int = 0) -> RunSpec:
    """Return the order for a run that is only watched: losses and norms, what is printed and what is written.

    The first ``full`` iterations are recorded in full. It has a seed even where none was given, so that a run after it
    can begin alike.
    """
    seed = secrets.randbelow(_SEEDS) if spec.seed is None else spec.seed
    depth = Intervention("record", "watch", full + 1) if full else Intervention("record", "watch")
    changes = (depth, *but_depth(spec))
    kept: dict[str, Any] = {"passes_output": spec.passes_output, "checkpoints": spec.checkpoints}
    return unattended(spec, tape=tape, seed=seed, interventions=changes, **kept)


def around(spec: RunSpec, first: int, last: int, tape: str, hash_seed: str, *, is_terse: bool = False) -> RunSpec:
    """Return the order for a run that is recorded in full from one iteration to another, and ends there.

    Among the first iterations, of which it is not known from the beginning what makes one, all are recorded in full.

    Args:
        spec: of the run that was watched.
        first: from which iteration on everything is recorded.
        last: after which it ends.
        tape: where the new tape goes.
        hash_seed: that of the watched run, as its tape tells it.
        is_terse: whether of what is only watched the numbers of losses and steps are enough.
    """
    first = full_from(first)
    depths = (Intervention("record", "watch"), Intervention("record", "full", first)) if first > 1 else ()
    return unattended(
        spec,
        tape=tape,
        probe=spec.probe,
        interventions=(*but_depth(spec), *depths),
        hash_seed=_to_set(hash_seed),
        ends_after=last,
        is_terse=is_terse,
    )


def branching(spec: RunSpec, changes: tuple[Intervention, ...], hash_seed: str) -> RunSpec:
    """Return the order for a run that is held at its start, and is to do what another one did up to a place in it.

    Args:
        spec: of the other run.
        changes: what is changed in it on the way by the numbers of iterations.
        hash_seed: that of the other run, as its tape tells it.
    """
    seed = _to_set(hash_seed)
    return replace(
        spec, breakpoints=(), is_paused_at_start=True, passes_output=False, interventions=changes, hash_seed=seed
    )


def _to_set(hash_seed: str) -> int | None:
    """Return the seed of Python's hashes that has to be set for a run; None where it is as it is."""
    is_set = not hash_seed or os.environ.get(_HASH_SEED) == hash_seed
    return None if is_set else int(hash_seed)


def onwards(spec: RunSpec, first: int, last: int, tape: str, later: Sequence[Intervention]) -> RunSpec:
    """Return the order for what goes on from a checkpoint: recorded in full from one iteration to another, ended there.

    Args:
        spec: of the run that was watched.
        first: from which iteration on everything is recorded.
        last: after which it ends.
        tape: where the new tape goes.
        later: what was changed from outside after the checkpoint was made.
    """
    changes = (*later, Intervention("record", "watch"), Intervention("record", "full", first))
    return unattended(spec, tape=tape, probe=spec.probe, interventions=changes, ends_after=last, is_terse=True)


def full_from(first: int) -> int:
    """Return from which iteration on a run again is recorded in full where that is wanted from ``first`` on."""
    return first if first >= SURE else 1


def but_depth(spec: RunSpec) -> tuple[Intervention, ...]:
    """Return what is changed from outside, but for how much is recorded."""
    return tuple(change for change in spec.interventions if change.what != "record")
