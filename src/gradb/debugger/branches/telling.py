"""What is shown of the runs of a family: the rows of their list, and what the plot is told of them."""

from __future__ import annotations

from gradb.debugger.branches.changes import label
from gradb.debugger.branches.family import Family
from gradb.debugger.branches.member import Member
from gradb.present.options import MOST_KIN, Branches, Kin, Listed
from gradb.tape.series import Series


def listed(family: Family) -> list[Listed]:
    """Return a row for each run."""
    return [_listed(member, is_here=member is family.here) for member in family.members]


def kin(family: Family) -> Branches:
    """Return what the plot is told: of the others the newest, as many as are drawn."""
    if len(family) == 1:
        return Branches()
    others = [member for member in family.others if not member.is_ghost]
    shown = [*[one for one in others if not one.number], *[one for one in others if one.number][-MOST_KIN:]]
    return Branches(family.here.name, family.here.number, tuple(map(_kin, shown)))


def _kin(member: Member) -> Kin:
    origin = member.origin
    change = "" if origin is None else label(origin.what, origin.value)
    iteration = 0 if origin is None else origin.iteration
    return Kin(member.number, member.name, member.label, member.series(), member.is_running, change, iteration)


def _listed(member: Member, *, is_here: bool) -> Listed:
    loss = _newest([one for one in member.series() if one.kind == "loss" and one.count])
    iteration, value = (0, None) if loss is None else (loss.iterations[loss.count - 1], loss.values[loss.count - 1])
    return Listed(member.key, member.label, member.status, iteration, value, is_here, member.path)


def _newest(losses: list[Series]) -> Series | None:
    return max(losses, key=lambda one: one.events[one.count - 1], default=None)


def place_told(family: Family) -> str:
    """Say which run one looks at now, and where one stands in it."""
    debugger, here = family.current, family.here
    return f"{here.label}, at event {debugger.name(debugger.position)} ({here.status})"
