"""An exception, uncaught or raised by a torch call (caught later or not).

``[type, message, traceback, uncaught]``, and more where Python code raised it that is not torch's, or a call is known:
``[..., raised, function, [T...], [[keyword, text]...]]``.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_tensors
from gradb.tape.wire import Wire, WireError, dumps, read_pairs


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """An exception."""

    type: str
    message: str
    traceback: str = ""
    """Python's own rendering, without gradb's frames; empty for one seen where it was raised."""
    is_uncaught: bool = True
    is_raised: bool = False
    """True where a ``raise`` made it, of the script or of a library that is not torch: its words may be anybody's."""
    function: str = ""
    """The call of the torch API that raised it (``torch.matmul``); empty where it is not known, or was the engine."""
    inputs: tuple[Tensor, ...] = ()
    """What that call was given."""
    arguments: tuple[tuple[str, str], ...] = ()
    """All its arguments, as in ``OpDetail``."""


def write(*, type: str, message: str, traceback: str = "", is_uncaught: bool, is_raised: bool, call: str = "") -> str:
    """Return the wire form; ``call``: what ``write_call`` returned, or empty."""
    head = dumps([type, message, traceback, is_uncaught])[:-1]
    more = f",{dumps(is_raised)},{call}" if call else ",true" if is_raised else ""
    return f"{head}{more}]"


def write_call(function: str, inputs: str, arguments: str) -> str:
    """Return the wire form of a call that raised.

    Args:
        function: its name as JSON.
        inputs: the texts of ``T``, with commas between.
        arguments: the texts of ``[keyword, text]``, with commas between.
    """
    return f"{function},[{inputs}],[{arguments}]"


def read(raw: Wire, data: bytes) -> ErrorDetail:
    """Read the wire form."""
    type_, message, traceback, uncaught, *more = raw
    if len(more) not in {0, 1, 4}:
        raise WireError("an error does not say what it has to")
    known = str(type_), str(message), str(traceback), bool(uncaught), bool(more and more[0])
    if len(more) < 4:
        return ErrorDetail(*known)
    return ErrorDetail(*known, str(more[1]), read_tensors(more[2], data), read_pairs(more[3]))


SPEC = Spec(read, is_stop=True)
