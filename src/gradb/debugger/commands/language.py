"""The command language: statements apart, then a command and its argument. The `:` prompt and command scripts share it.

Statements are separated by ``;`` or line ends and ``#`` begins a comment, neither inside quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradb.debugger.commands.registry import BY_NAME, Command, needs_screen
from gradb.debugger.errors import UserError
from gradb.debugger.suggestion import did_you_mean
from gradb.tape.expressions.variables import quoted

if TYPE_CHECKING:
    from gradb.debugger.commands.frontend import FrontEnd
    from gradb.debugger.debugger import Debugger

_TOKEN = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\#[^\n]*|[;\n]|.""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement."""

    command: Command
    argument: str
    line: int
    """Line of the script it stands on, from 1."""
    text: str
    """As written."""

    def run(self, debugger: Debugger, front: FrontEnd) -> None:
        """Carry it out, and have the front end say what came of it.

        Raises:
            UserError: it cannot be carried out, or only by a screen.
        """
        command = self.command
        if command.front is not None:
            command.front(front, self.argument)
        elif command.run is not None:
            front.notice(command.run(debugger, self.argument) or "")
        else:
            raise UserError(needs_screen(command.name))


def parse(script: str) -> list[Statement]:
    """Return the statements of a script.

    Raises:
        UserError: a statement names no command; nothing is returned then, so nothing is run.
    """
    return [Statement(*command_of(text), line, text) for line, text in split(script)]


def split(script: str) -> list[tuple[int, str]]:
    """Return (line, text) of every statement, without comments and empty ones."""
    statements: list[tuple[int, str]] = []
    line, text = 1, ""
    for piece in _TOKEN.findall(script + "\n"):
        if piece in {";", "\n"}:
            if text.strip():
                statements.append((line, text.strip()))
            text = ""
            line += piece == "\n"
        elif not piece.startswith("#"):
            text += piece
    return statements


def command_of(text: str) -> tuple[Command, str]:
    """Return the command a statement names and its argument; ``line back`` is ``line-back``.

    Raises:
        UserError: there is no such command.
    """
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    second, _, after = rest.partition(" ")
    if second == "back" and f"{word}-back" in BY_NAME:
        word, rest = f"{word}-back", after.strip()
    command = BY_NAME.get(word)
    if command is None:
        raise UserError(_unknown(word, rest))
    return command, rest


def _unknown(word: str, rest: str) -> str:
    """Return what is said of a word that is no command; `info X`, as other debuggers have it, means X."""
    about = rest.split(" ", maxsplit=1)[0] if word == "info" else ""
    meant = did_you_mean(about, ("breakpoints",), BY_NAME) if about else did_you_mean(word, BY_NAME)
    return f"there is no command {quoted(word)}{meant}"
