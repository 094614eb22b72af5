"""Compiles the C accelerator when gradb is built or installed; whatever fails, gradb is installed without it.

``python hatch_build.py`` compiles it where it is developed, beside its sources, as an editable install does.
"""

from __future__ import annotations

import os
import runpy
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
NATIVE = Path("src", "gradb", "tracer", "native")
NAME = f"_accelerator{sysconfig.get_config_var('EXT_SUFFIX')}"
_FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-fvisibility=hidden", "-DNDEBUG")
_SHARED = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)
_TIMEOUT = 300.0


class NotBuiltError(Exception):
    """There is no accelerator; the message is one line that says why."""


def command(folder: Path, target: Path, flags: tuple[str, ...] = ()) -> list[str]:
    """Return what compiles the sources in a folder; ``CFLAGS`` and then ``flags`` come after the usual ones."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    sources = runpy.run_path(str(folder / "sources.py"))
    marked = f'-DSOURCES="{sources["digest"](str(folder))}"'
    files = [str(folder / name) for name in sources["names"](str(folder)) if name.endswith(".c")]
    headers = f"-I{sysconfig.get_path('include')}"
    wanted = shlex.split(os.environ.get("CFLAGS", ""))
    return [*compiler, *_FLAGS, *_SHARED, *wanted, *flags, headers, marked, *files, "-o", str(target)]


def compile_to(folder: Path, target: Path, flags: tuple[str, ...] = ()) -> None:
    """Compile the sources in a folder; the target is there at once or not at all.

    Raises:
        NotBuiltError: it cannot be done here.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        done = subprocess.run(
            command(folder, beside, flags), check=False, capture_output=True, text=True, timeout=_TIMEOUT
        )
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines() or [""]
            raise NotBuiltError(f"the compiler failed: {said[0][:200]}")
        beside.replace(target)  # a process that has the old one loaded keeps it
    except NotBuiltError:
        raise
    except Exception as error:
        raise NotBuiltError(f"{type(error).__name__}: {error}") from error
    finally:
        beside.unlink(missing_ok=True)


class AcceleratorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the compiled module into the wheel; an editable install has it beside its sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say in one line where that is not possible."""
        native = Path(self.root, NATIVE)
        try:
            if version == "editable":
                compile_to(native, native / NAME)
            else:
                self._folder = tempfile.TemporaryDirectory()
                compile_to(native, Path(self._folder.name, NAME))
                build_data["force_include"][str(Path(self._folder.name, NAME))] = f"gradb/tracer/native/{NAME}"
        except Exception as error:
            self.app.display_warning(f"gradb is built without its C accelerator, in pure Python: {error}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled, now that it is in the wheel."""
        folder = getattr(self, "_folder", None)
        if folder is not None:
            folder.cleanup()


if __name__ == "__main__":
    try:
        compile_to(HERE / NATIVE, HERE / NATIVE / NAME)
    except NotBuiltError as problem:
        sys.exit(str(problem))
