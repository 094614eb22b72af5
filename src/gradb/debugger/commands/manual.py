"""The registry as tables for the docs.

``python -m gradb.debugger.commands.manual docs/commands.md`` puts them in the page.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gradb.debugger.commands.registry import COMMANDS, GROUPS, SIGNS, Command

BEGIN = "<!-- commands: generated from the registry -->\n"
END = "<!-- end of commands -->\n"


def tables() -> str:
    """Return one Markdown table per group of commands."""
    return "\n".join(_table(heading, group) for group, heading in GROUPS.items())


def _table(heading: str, group: str) -> str:
    rows = "".join(_row(command) for command in COMMANDS if command.group == group)
    return f"## {heading}\n\n| command | keys | |\n|---|---|---|\n{rows}"


def _row(command: Command) -> str:
    keys = " ".join(f"`{SIGNS.get(key, key)}`" for key in command.keys)
    usage = command.usage.replace("|", "\\|")
    return f"| `{usage}` | {keys} | {command.help} |\n"


def rewrite(page: str) -> str:
    """Return the page with the tables between its marks as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
