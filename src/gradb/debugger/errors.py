"""What goes wrong for reasons the user can mend: one clear sentence each, no traceback.

::

    Exception
    └── UserError                bad input, or a command that cannot be carried out
        ├── ExpectationFailed    an `expect` that does not hold
        ├── BrokenOff            Ctrl+C, in the midst of a command
        └── CheckpointLost       a checkpoint that cannot be gone on from
"""

from __future__ import annotations


class UserError(Exception):
    """A sentence for the user."""


class ExpectationFailed(UserError):
    """An expectation does not hold; the text shows the difference."""


class BrokenOff(UserError):
    """A command was broken off; the text says which, and where."""


class CheckpointLost(UserError):
    """A checkpoint cannot be gone on from: the script would have to be run from its start."""
