"""What an installed gradb consists of, built with a compiler and without."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from gradb.tracer.native.loading import standing
from tests.e2e.gradb_process import ROOT, SCENARIOS, SCRIPTS, Done, run


def build(folder: Path, env: dict[str, str] | None = None) -> tuple[Path, Done]:
    """Build the wheel; return its path, and what was said."""
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT, env=env)
    assert done.code == 0, done.err
    (wheel,) = folder.glob("*.whl")
    return wheel, done


def unpack(wheel: Path, folder: Path) -> dict[str, str]:
    """Put what a wheel holds into a folder; return the environment in which that is gradb.

    What is a module of ours to the letter is not compiled again, which would take seconds.
    """
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    for path in folder.rglob("*.py"):
        ours = ROOT / "src" / path.relative_to(folder)
        compiled = Path(importlib.util.cache_from_source(str(ours)))
        if compiled.exists() and ours.read_bytes() == path.read_bytes():
            shutil.copystat(ours, path)  # by its time and size Python knows what a module was compiled from
            (path.parent / "__pycache__").mkdir(exist_ok=True)
            shutil.copy(compiled, path.parent / "__pycache__")
    return {"PYTHONPATH": str(folder), "GRADB_ACCELERATOR": "", "GRADB_REQUIRE_C": ""}


_TWICE = """
import os, sys
from gradb.cli.main import main
if not os.fork():
    main(["--version"])
os.wait()
if sys.argv[1]:
    with open(sys.argv[1], "a") as source:
        source.write("/* another */")
sys.exit(main(sys.argv[2:]))
"""
"""Says the version; then, with the source that is named as another one, does what else is asked for."""


def _versions(done: Done) -> list[str]:
    """Return what was said of the accelerator, each time."""
    return [f"({line.partition(' (')[2]}" for line in done.out.splitlines() if line.startswith("gradb ")]


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """Return a wheel that was built without a compiler, and what was said."""
    return build(tmp_path_factory.mktemp("pure"), {"CC": "/no/such/compiler"})


def test_wheel_holds_all_that_is_needed(pure: tuple[Path, Done]) -> None:
    """The wheel ships the scenarios with their command scripts, the formulas, the style sheet and the type marker."""
    wheel, _ = pure
    names = set(zipfile.ZipFile(wheel).namelist())
    scenarios = {f"gradb/_scenarios/{path.name}" for path in SCENARIOS.iterdir() if path.is_file()}
    assert len(scenarios) >= 8
    assert names >= scenarios | {"gradb/py.typed", "gradb/rules/formulas.json", "gradb/tui/gradb.tcss"}
    assert not any(name.startswith(("tests/", "scenarios/")) for name in names)


def test_without_a_compiler_gradb_is_built_all_the_same(pure: tuple[Path, Done], tmp_path: Path) -> None:
    """The wheel is for any platform, one line says what it lacks, and it runs a scenario to the right numbers."""
    wheel, done = pure
    assert sum("C accelerator" in line for line in (done.out + done.err).splitlines()) == 1
    assert wheel.name.endswith("-py3-none-any.whl")
    environment = unpack(wheel, tmp_path / "installed")
    commands = "finish; expect a.grad == [28, 36, 44, 52]"
    words = ("run", "-e", commands, SCENARIOS / "chain_rule.py")
    done = run(sys.executable, "-c", _TWICE, "", *words, cwd=tmp_path, env=environment)
    assert _versions(done) == ["(pure Python: not built)"]
    assert (done.code, done.err) == (0, "")


@pytest.mark.skipif(standing().module is None, reason="gradb has no C accelerator here")
def test_a_compiled_module_is_used_with_its_own_sources_only(tmp_path: Path) -> None:
    """The wheel holds the module, for this platform; once a source is another, ``gradb --version`` says stale."""
    module = standing().module
    assert module is not None
    wheel, _ = build(tmp_path, {"CC": shlex.join([sys.executable, str(SCRIPTS / "copies_module.py"), module.__file__])})
    assert "-py3-none-" not in wheel.name
    installed = tmp_path / "installed"
    environment = unpack(wheel, installed)
    source = installed / "gradb/tracer/native/walk.h"
    done = run(sys.executable, "-c", _TWICE, source, "--version", cwd=tmp_path, env=environment)
    assert _versions(done) == ["(C accelerator)", "(C accelerator: stale, reinstall)"]
