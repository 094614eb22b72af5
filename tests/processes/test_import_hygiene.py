"""What each part of gradb loads and may load.

The import contracts in ``pyproject.toml`` see direct imports in the source; here a fresh interpreter shows what really
gets loaded, and the syntax tree shows that the debuggee's side needs nothing that could clash with the user's versions.
"""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

import gradb

PACKAGE = Path(gradb.__file__).parent
HEAVY = ("torch", "textual", "rich", "plotext", "numpy")
TEXT_ONLY = ("tape", "log", "link", "scribe", "algebra", "frame", "rules", "debugger")
"""Packages that load nothing from outside of the standard library."""
SCREENLESS = ("present", "batch", "cli")
"""Packages that may load rich and plotext, but neither torch nor textual."""


def modules_of(package: str) -> list[str]:
    """Return the dotted names of all modules of a package of gradb; running one (``__main__``) is not importing it."""
    found = []
    for path in sorted((PACKAGE / package).rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] != "__main__":
            found.append(".".join(parts).removesuffix(".__init__"))
    return found


def printed_by(code: str) -> list[str]:
    """Run code in a fresh interpreter and return the words it prints."""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """Import package after package, lower layers first, in one fresh interpreter: what each finds or loads."""
    lines = ["import json, sys", "found = {}"]
    for package in (*TEXT_ONLY, *SCREENLESS, "tui"):
        lines.append(f"import {', '.join(modules_of(package))}")
        lines.append(f"found[{package!r}] = [name for name in {HEAVY} if name in sys.modules]")
    (printed,) = printed_by("\n".join([*lines, "print(json.dumps(found, separators=(',', ':')))"]))
    return {package: set(names) for package, names in json.loads(printed).items()}


@functools.cache
def imports_of(path: Path) -> set[str]:
    """Return the dotted names that a file imports anywhere, in functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def test_import_gradb_is_light() -> None:
    """``import gradb`` loads no other module of gradb and nothing heavy."""
    watched = ("gradb", *HEAVY)
    code = f"import sys, gradb\nprint(*(name for name in sys.modules if name.partition('.')[0] in {watched}))"
    assert printed_by(code) == ["gradb"]


def test_the_debuggee_starts_without_torch() -> None:
    """It sees the script import torch, which it could not where torch was there before."""
    code = "import sys, gradb.tracer.process.debuggee\nprint(*(name for name in sys.modules if name == 'torch'))"
    assert printed_by(code) == []


@pytest.mark.parametrize("package", TEXT_ONLY)
def test_core_loads_the_standard_library_only(loaded: dict[str, set[str]], package: str) -> None:
    """The packages below the screens load none of the heavy packages."""
    assert loaded[package] == set()


@pytest.mark.parametrize("package", SCREENLESS)
def test_headless_parts_load_neither_torch_nor_textual(loaded: dict[str, set[str]], package: str) -> None:
    """Headless commands start fast and work where torch is not installed."""
    assert loaded[package] <= {"rich", "plotext"}


def test_screen_does_not_load_torch(loaded: dict[str, set[str]]) -> None:
    """The terminal app paints without waiting for torch."""
    assert "torch" not in loaded["tui"]


AT_ONCE = (
    *("cli", "debugger.errors", "debugger.folders", "debugger.interventions", "debugger.numerals"),
    *("debugger.suggestion", "debugger.rerun.consent", "frame.lesson.aim", "link.spec", "log.layouts", "log.segments"),
    *("present.draw", "present.panes.table", "tape.admission", "tape.database", "tape.schema", "tape.stops"),
    *(
        "tui.app",
        "tui.behind",
        "tui.entries",
        "tui.entryrow",
        "tui.keybar",
        "tui.layout",
        "tui.lettering",
        "tui.looks",
        "tui.memory",
        "tui.messages",
    ),
    *("tui.picker", "tui.shortlist", "tui.signals", "tui.starting", "tui.text", "tui.themes"),
)
"""What may be loaded before the first paint, beside the packages that these are in."""


def test_first_paint_waits_for_nothing_of_a_run() -> None:
    """What starts, or what can be picked, is painted before anything is loaded that knows a run or a tape's events."""
    code = (
        "import sys, gradb.cli.run, gradb.cli.open, gradb.cli.pick, gradb.tui.app, gradb.tui.memory\n"
        "print(*(name for name in sys.modules if name.startswith('gradb.')))"
    )
    packages = {name.rpartition(".")[0] for name in AT_ONCE} | {"debugger"}
    loaded = {name.removeprefix("gradb.") for name in printed_by(code)}
    later = {name for name in loaded - packages if not name.startswith(AT_ONCE)}
    assert later <= {"frame", "present", "tape", "tui"}


def test_first_frame_waits_for_no_judge() -> None:
    """A run is on the screen before the rules and what runs a script again are loaded."""
    later = ("gradb.diagnosis", "gradb.debugger.why", "gradb.debugger.rerun.again", "gradb.debugger.gradcheck")
    code = (
        f"import sys, gradb.cli.starting, gradb.tui.running\n"
        f"print(*(name for name in sys.modules if name.startswith({later})))"
    )
    assert printed_by(code) == []


@pytest.mark.parametrize("package", ["tape", "log", "link", "scribe", "tracer"])
def test_debuggee_side_needs_only_the_standard_library_and_torch(package: str) -> None:
    """Nothing that runs in the user's process could clash with the user's own versions."""
    allowed = {*sys.stdlib_module_names, "gradb", *(["torch"] if package == "tracer" else [])}
    for path in (PACKAGE / package).rglob("*.py"):
        foreign = {name for name in imports_of(path) if name.partition(".")[0] not in allowed}
        assert not foreign, f"{path.relative_to(PACKAGE)} imports {foreign}"


def test_tracer_reaches_no_further_than_link_log_and_tape() -> None:
    """The tracer imports no part of gradb but the link, the log, the tape and itself."""
    for path in (PACKAGE / "tracer").rglob("*.py"):
        ours = {name for name in imports_of(path) if name.partition(".")[0] == "gradb"}
        beyond = {name for name in ours if name.split(".")[1:2] not in ([], ["link"], ["log"], ["tape"], ["tracer"])}
        assert not beyond, f"{path.relative_to(PACKAGE)} imports {beyond}"
