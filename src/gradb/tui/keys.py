"""The registry of commands as the screen needs it: key bindings, and rows for help and palette.

Everything here is generated from `gradb.debugger.commands.registry.COMMANDS`; not one key or name is decided in this
package.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding
from textual.keys import format_key

from gradb.debugger.commands.registry import BY_NAME, COMMANDS, GROUPS, SIGNS, Command
from gradb.tui.keybar import KeyHint

FIRST_KEYS = frozenset({"prompt", "find"})
"""Commands that open a line to type on: their keys are looked for before what has the keyboard gets them."""
_NAMES = SIGNS | {"backspace": "bksp"}


@dataclass(frozen=True, slots=True)
class Row:
    """One command for people to read."""

    name: str
    """As typed at the prompt."""
    keys: str
    """All its keys, as printed on a keyboard."""
    usage: str
    """Name and argument."""
    help: str


def key_name(key: str) -> str:
    """Return a key as people know it."""
    if len(key) == 1 and key.isupper():
        return key
    return _NAMES.get(key) or format_key(key)


def bindings() -> list[Binding]:
    """Return one binding a command that has keys; those of the prompt and of the find line go first, for
    what is typed right after them.
    """
    return [
        Binding(
            ",".join(command.keys),
            f"statement('{command.name}')",
            command.label or command.help,
            show=bool(command.label),
            key_display=key_name(command.keys[0]),
            tooltip=command.help,
            priority=command.name in FIRST_KEYS,
        )
        for command in COMMANDS
        if command.keys
    ]


def key_hints() -> list[KeyHint]:
    """Return the commands of the key bar: those with a label, in the registry's order."""
    return [key_hint(command.name, command.label) for command in COMMANDS if command.label]


def key_hint(name: str, label: str) -> KeyHint:
    """Return the first key of a command, under a short word."""
    command = BY_NAME[name]
    return KeyHint(key_name(command.keys[0]), label, f"statement('{name}')")


def row(command: Command) -> Row:
    """Return what help says of a command."""
    return Row(command.name, "  ".join(map(key_name, command.keys)), command.usage, command.help)


def help_groups() -> list[tuple[str, list[Row]]]:
    """Return every command under the heading of its group."""
    return [
        (heading, [row(command) for command in COMMANDS if command.group == group]) for group, heading in GROUPS.items()
    ]


def palette_rows() -> tuple[Row, ...]:
    """Return the commands that run without an argument."""
    return tuple(row(command) for command in COMMANDS if not command.argument or command.argument.startswith("["))
