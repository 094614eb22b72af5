"""Reads expressions that a user types, and turns what goes wrong with one into a sentence for the user."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from gradb.debugger.errors import UserError
from gradb.tape.expressions import syntax
from gradb.tape.expressions.faults import ExpressionError
from gradb.tape.expressions.syntax import Expression


def read(text: str, kind: str = "an expression") -> Expression:
    """Read an expression, ``kind`` says of what kind, and refuse what Python would only warn of.

    What has passed here can be read again in the script's process, and nothing is said there.

    Raises:
        UserError: it cannot be read.
    """
    with told(), warnings.catch_warnings(action="error"):
        return syntax.read(text, kind)


@contextmanager
def told() -> Iterator[None]:
    """Turn what goes wrong with an expression into a ``UserError``."""
    try:
        yield
    except ExpressionError as error:
        raise UserError(str(error)) from error
    except RecursionError as error:
        raise UserError("the expression is nested too deeply") from error
