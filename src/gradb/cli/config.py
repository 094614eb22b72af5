"""``gradb config``: where the settings are kept, what is chosen, and what could be; forgets what was learned, too."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gradb.batch.lines import line
from gradb.cli.arguments import Parser
from gradb.cli.complaint import complain
from gradb.cli.folders import settings_file
from gradb.cli.progress import forget
from gradb.cli.settings import SETTINGS, Settings, listed, read_settings, spelled
from gradb.debugger.errors import UserError
from gradb.present.draw.safe import plain
from gradb.present.json.values import Json

_ORIGINS = {"default": "", "file": "by the file", "environment": "by {variable}"}


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code: 2 where something cannot be used."""
    parser = Parser(
        "config",
        "gradb config [--json | --forget-lessons]",
        "Print what is chosen once and for all, and what could be, in the form of the file whose name stands first.\n"
        "An option of the command line goes before the environment, and that before the file.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--forget-lessons", action="store_true", help="forget which lessons were begun and done")
    options = parser.parse_args(argv)
    if options.forget_lessons:
        if options.json:
            raise UserError("give --json or --forget-lessons, not both")
        sys.stdout.write(f"{plain(forget(), 1000)}\n")
        return 0
    path = settings_file()
    settings = read_settings(path, os.environ)
    lines = [line(config_json(path, settings))] if options.json else config_lines(path, settings)
    sys.stdout.write("".join(f"{each}\n" for each in lines))
    sys.stdout.flush()
    for complaint in settings.complaints:
        complain(complaint)
    return 2 if settings.complaints else 0


def config_lines(path: Path, settings: Settings) -> Iterator[str]:
    """Yield the lines for a person."""
    yield f"# {plain(str(path), 1000)}" + ("" if path.exists() else " (not there)")
    for name, setting in SETTINGS.items():
        choice = settings.chosen[name]
        origin = _ORIGINS[choice.origin].format(variable=setting.variable)
        yield ""
        yield f"# {setting.help}: {listed(setting)} (default: {spelled(setting.values[0])}); or {setting.variable}"
        yield f"{name} = {spelled(choice.value)}" + (f"  # set {origin}" if origin else "")


def config_json(path: Path, settings: Settings) -> Json:
    """Return the same as data."""
    rows = [
        {
            "name": name,
            "value": settings.chosen[name].value,
            "from": settings.chosen[name].origin,
            "default": setting.values[0],
            "values": list(setting.values),
            "variable": setting.variable,
            "help": setting.help,
        }
        for name, setting in SETTINGS.items()
    ]
    return {
        "file": str(path),
        "exists": path.exists(),
        "settings": rows,
        "complaints": list(settings.complaints),
    }
