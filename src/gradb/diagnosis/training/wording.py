"""How rules about a training call what they found: names, lines and numbers in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from gradb.diagnosis.training.parts import Leaf, Optimizer
from gradb.tape.kinds.event import Event

_MOST_NAMED = 3
_ROOT = re.compile(r"[.\[]")


def names_of(leaves: Iterable[Leaf]) -> tuple[str, ...]:
    """Return what some leaves are called, each once."""
    return tuple(dict.fromkeys(leaf.name for leaf in leaves))


def listed(names: Sequence[str]) -> str:
    """Return ``fc.weight, fc.bias and 3 more``."""
    if len(names) > _MOST_NAMED + 1:
        return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def root_of(leaves: Iterable[Leaf]) -> str:
    """Return the one variable that leads to all of some leaves, or an empty text."""
    roots = {_ROOT.split(leaf.name)[0] for leaf in leaves}
    return roots.pop() if len(roots) == 1 else ""


def group(leaves: Sequence[Leaf]) -> str:
    """Return what to call some leaves: the parameters of a variable, or their names."""
    names, root = names_of(leaves), root_of(leaves)
    return f"the {len(names)} parameters of {root}" if root and len(names) > _MOST_NAMED else listed(names)


def share(leaves: Sequence[Leaf], everything: Sequence[Leaf]) -> str:
    """Return what to call some leaves of an optimizer: where they are many, how many of a variable's parameters."""
    names, root = names_of(leaves), root_of(leaves)
    kin = names_of(leaf for leaf in everything if root and root_of([leaf]) == root)
    if len(names) > _MOST_NAMED and len(kin) > len(names):
        return f"{len(names)} of the {len(kin)} parameters of {root}"
    return group(leaves)


def verb(leaves: Sequence[Leaf], one: str, several: str) -> str:
    """Return the form of a word that fits how many leaves there are."""
    return one if len(names_of(leaves)) == 1 else several


def place(event: Event | None, file: str | None = None) -> str:
    """Return ``line 31``, with the file where that is another than the reader is told to open."""
    if event is None or event.line is None:
        return "a line that is not known"
    if file is None or event.file is None or event.file == file:
        return f"line {event.line}"
    return f"{PurePath(event.file).name}:{event.line}"


def called(optimizer: Optimizer) -> str:
    """Return what to call an optimizer: its variable with its class, or its class."""
    return optimizer.kind if optimizer.label == optimizer.kind else f"{optimizer.label} ({optimizer.kind})"
