"""What a front end must be able to do: screen and command scripts are two; an editor or a notebook could be a third.

A front end reads statements, has each carried out on its debugger (``Statement.run``), and waits for the script in its
own way between them. What it shows it takes from ``present``.
"""

from __future__ import annotations

from typing import Protocol


class FrontEnd(Protocol):
    """What is before a person."""

    def show(self, pane: str) -> None:
        """Show a pane at the position.

        Raises:
            UserError: there is no pane of that name.
        """
        ...

    def gradcheck(self, argument: str) -> None:
        """Check a gradient by finite differences, and show what was found as soon as it is known.

        Args:
            argument: ``LEAF[INDEX]``, or empty for the leaf that the position is about.

        Raises:
            UserError: there is nothing to check.
        """
        ...

    def why(self, argument: str) -> None:
        """Show where a NaN or an infinity was born, and its road.

        Args:
            argument: the number of an event, ``@N`` for an iteration, or empty: see ``debugger.why``.

        Raises:
            UserError: there is no such event, or nothing is recorded.
        """
        ...

    def relive(self, argument: str) -> None:
        """Go to an iteration in full; where it was only watched, have the script run again if somebody agrees.

        Args:
            argument: the number of the iteration, or empty for that of the position: see ``debugger.living``.

        Raises:
            UserError: there is no such iteration, the script cannot be run again, or nobody can agree.
        """
        ...

    def branch(self, argument: str) -> None:
        """Have the script run again up to the position, if somebody agrees, and go on with something changed there.

        Args:
            argument: what is changed: see ``debugger.branches.changes``.

        Raises:
            UserError: it cannot be read, the script cannot be run again, did not do the same, or nobody can agree.
        """
        ...

    def branches(self, argument: str) -> None:
        """List the branches, or go to another run.

        Args:
            argument: its number, or empty for the list.

        Raises:
            UserError: there is none.
        """
        ...

    def print(self, argument: str) -> None:
        """Show what an expression comes to at the position.

        Args:
            argument: the expression.

        Raises:
            UserError: it cannot be read, or speaks of what there is not.
        """
        ...

    def answer(self, argument: str) -> None:
        """Ask the question of a script that teaches at the position, or judge an answer to it.

        Args:
            argument: the answer; empty to be asked.

        Raises:
            UserError: there is none, or the answer is no value.
        """
        ...

    def find(self, argument: str) -> None:
        """Look for something, and show what is found.

        Args:
            argument: a name, a shape, ``nan`` ...: see ``frame.graph.finding``.

        Raises:
            UserError: there is nothing to look for, or nothing to look in.
        """
        ...

    def jump(self, argument: str) -> None:
        """Choose a node of the graph, to be looked at.

        Args:
            argument: of which variable, parameter or name; empty for the one that the position is about.

        Raises:
            UserError: there is none.
        """
        ...

    def notice(self, text: str) -> None:
        """Say what a command has done; empty where there is nothing to say."""
        ...
