"""Assertions of the test files, rewritten once for all processes of pytest-xdist.

In a fresh clone nothing is compiled, and each of the processes would rewrite every file by itself: 7 s of each.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from _pytest.assertion import rewrite


def rewrite_all(config: pytest.Config) -> None:
    """Rewrite the files that are going to be collected, as pytest would, but for those that it has rewritten."""
    gc.disable()  # a syntax tree is many objects and no cycle: to look through them is a fifth of the work
    try:
        for path in _files(config):
            compiled = rewrite.get_cache_dir(path) / f"{path.stem}{rewrite.PYC_TAIL}"
            if not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime:
                _rewrite(path, compiled, config)
    finally:
        gc.enable()


def _rewrite(path: Path, compiled: Path, config: pytest.Config) -> None:
    try:
        stat, code = rewrite._rewrite_test(path, config)
        compiled.parent.mkdir(exist_ok=True)
    except (OSError, SyntaxError, ValueError):
        return  # it is told where the file is collected
    rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, stat, compiled)


def _files(config: pytest.Config) -> Iterator[Path]:
    skipped = config.getini("norecursedirs")
    for argument in config.args:
        path = Path(config.invocation_params.dir, argument.partition("::")[0])
        for pattern in (*config.getini("python_files"), "conftest.py"):
            if not path.is_dir():
                yield from path.parent.glob(pattern)
                continue
            for file in path.rglob(pattern):
                if not any(fnmatch(part, name) for part in file.relative_to(path).parts for name in skipped):
                    yield file
