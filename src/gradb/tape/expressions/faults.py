"""What goes wrong with an expression, in one sentence each.

::

    Exception
    └── ExpressionError      it cannot be read, or says what makes no sense
        ├── NoName           it speaks of what there is not
        └── NoValue          it speaks of what has no value here, or of one that is not known

An expression that speaks of what has no value is neither true nor false; a condition then does not hold.
"""

from __future__ import annotations


class ExpressionError(Exception):
    """A sentence for the user."""


class NoName(ExpressionError):
    """Nothing is called so."""


class NoValue(ExpressionError):
    """What is called so has no value yet, or its value was not recorded."""
