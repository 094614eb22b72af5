"""Which variables a condition or ``param`` may name: those there are, and those that the script's texts may make.

A bare name that is no word of any text the script has is mistyped. The parts of a path may come from a library's model,
whose texts nobody has read: that is mistyped only where something of nearly the same name is known already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gradb.debugger.errors import UserError
from gradb.debugger.existence import names
from gradb.debugger.existence.files import may_be_imported, meant
from gradb.debugger.remarks import unnamed
from gradb.debugger.suggestion import did_you_mean, nearest_name
from gradb.debugger.view import View
from gradb.tape.expressions.names import WORDS
from gradb.tape.expressions.variables import quoted
from gradb.tape.stops import Stop

_PARTS = re.compile(r"[.\[\]]+")
_DIGITS = re.compile(r"\d+")
_USUAL = ("weight", "bias")
"""Names that parameters of torch's modules have."""


def waited_for(condition: str, view: View, *, is_sure: bool) -> str:
    """Return what is to be said of the first name of a condition that nothing is called by so far.

    Raises:
        UserError: none will be: the script is over, or it has no such word and nobody insists.
    """
    notes = []
    for path in unnamed(Stop("when", condition=condition), view.tapes):
        if not view.is_live and view.tape is not None:
            raise UserError(
                f"nothing in this recording is called {quoted(path)}{did_you_mean(path, WORDS, tensors(view))}"
            )
        hint = _hint(path, view)
        if not is_sure and _is_mistyped(path, view):
            raise UserError(
                f"nothing is called {quoted(path)} so far, and it is no word of the script's{hint};"
                f" with `!` at its end the condition waits for it all the same"
            )
        notes.append(f"pending: nothing is called {quoted(path)} so far{hint}")
    return next(iter(notes), "")


def tensors(view: View) -> tuple[str, ...]:
    """Return what tensors are called so far."""
    return tuple(dict.fromkeys(name for tape in view.tapes for name in tape.names(tape.head)))


def texts(view: View) -> list[str]:
    """Return the texts of the script that are known."""
    file = meant("", view)
    sources = () if view.tape is None else view.tape.sources
    return [text for text in (*(text for _, text in sources), file.text if file else None) if text is not None]


def may_come(path: str, known: Iterable[str], view: View) -> bool:
    """Tell whether a path may be there later: one that is near a known one, with a word not the script's, may not."""
    near = nearest_name(path, known)
    if not near or _DIGITS.sub("0", near) == _DIGITS.sub("0", path):
        return True
    words = names.words(texts(view))
    return all(part in words or part.isdigit() for part in _PARTS.split(path) if part)


def suggestion(path: str, known: Iterable[str], view: View) -> str:
    """Suggest a known path for another one; else the same with a word of the script's for each that is none."""
    known = tuple(known)
    if nearest_name(path, known):
        return did_you_mean(path, known)
    words = frozenset(_USUAL) | names.words(texts(view))
    parts = path.split(".")
    better = [part if part in words or part.isdigit() else nearest_name(part, words) or part for part in parts]
    return f" (did you mean {'.'.join(better)}?)" if better != parts else ""


def _is_mistyped(path: str, view: View) -> bool:
    root = _root(path)
    script = names.words(texts(view))
    if not script or root in script:
        return False
    if root == path or nearest_name(root, WORDS):
        return root not in names.words(may_be_imported(script, view))
    return not may_come(path, tensors(view), view)


def _hint(path: str, view: View) -> str:
    """Suggest another name for one that is no word of the script's."""
    script = names.words(texts(view))
    root = _root(path)
    return "" if root in script else did_you_mean(path if root == path else root, WORDS, tensors(view), script)


def _root(path: str) -> str:
    return _PARTS.split(path, maxsplit=1)[0]
