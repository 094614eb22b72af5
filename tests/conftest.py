"""What all tests share: how Hypothesis is run, one thread per process for torch, and modules compiled once.

With ``GRADB_REQUIRE_C=1`` in the environment, as CI sets it, no test runs where the C accelerator is missing or stale.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import re
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of the hundreds of processes would compile gradb anew
sys.dont_write_bytecode = False  # and each worker Hypothesis and the tests

import pytest  # noqa: E402 - only from here on what is imported is kept compiled
from _pytest.tmpdir import tmppath_result_key  # noqa: E402
from _pytest.unraisableexception import gc_collect_iterations_key  # noqa: E402
from hypothesis import settings  # noqa: E402
from hypothesis.internal.conjecture import providers  # noqa: E402
from hypothesis.internal.constants_ast import Constants  # noqa: E402

from gradb.tracer.native.loading import standing  # noqa: E402
from tests.reporting import say_less  # noqa: E402
from tests.rewriting import rewrite_all  # noqa: E402
from tests.workers import fork_them  # noqa: E402

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run side by side; inherited by every process they start

settings.register_profile("gradb", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("fast", settings.get_profile("gradb"), max_examples=8)
settings.register_profile("thorough", deadline=None, max_examples=1000)  # others each time: --hypothesis-profile
settings.load_profile("gradb")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let it be chosen which writer the tests of the tracer try (see ``tests/tracer/conftest.py``)."""
    choices = ("share", "both", "python")
    parser.addoption(
        "--writers",
        choices=choices,
        default="share",
        help="which the tests of the tracer try: C, and Python too for some (share)",
    )


_FAST = Path(__file__).parent / "unit"


def _is_fast(config: pytest.Config) -> bool:
    """Tell whether nothing but the fast part is run."""
    paths = [Path(config.invocation_params.dir, argument.partition("::")[0]) for argument in config.args]
    return all(path.resolve().is_relative_to(_FAST) for path in paths)


def _steady() -> Constants:
    """Return no constants: examples hang neither on what of gradb is in memory, nor is all of it read to find some."""
    return _NONE


_NONE = Constants()


def pytest_configure(config: pytest.Config) -> None:
    """Try properties on fewer examples where only the fast part is run, and collect garbage twice at the end, not five
    times: with torch each takes a second.
    """
    has_workers, is_fast = config.getoption("dist", "no") != "no", _is_fast(config)
    if config.getoption("--hypothesis-profile") is None:
        vars(providers)["_get_local_constants"] = _steady
        settings.load_profile("fast" if is_fast else "gradb")
    if has_workers and not is_fast:
        config.add_cleanup(fork_them())
    if has_workers:
        rewrite_all(config)
    say_less(config)
    config.stash[gc_collect_iterations_key] = 2
    if os.environ.get("GRADB_REQUIRE_C") == "1" and standing().module is None:
        pytest.exit(f"GRADB_REQUIRE_C=1, but gradb has no C accelerator to test ({standing().text})", 1)


_numbers = itertools.count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a folder for a test, kept where that fails; pytest's own looks through all others each time."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    path = tmp_path_factory.getbasetemp() / f"{name}-{next(_numbers)}"
    path.mkdir(0o700)
    yield path
    if request.node.stash.get(tmppath_result_key, {}).get("call", True):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let nothing that a test starts read or write what is the user's own: recent tapes, layouts, settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.getbasetemp() / name.lower()))
        for name in ("GRADB_THEME", "GRADB_REMEMBER_LAYOUT"):
            patch.delenv(name, raising=False)
        yield


class Collector:
    """Python's collector, but for what looks through all that there is, puts it aside, or takes it back."""

    def __getattr__(self, name: str) -> Any:
        return getattr(gc, name)

    def collect(self) -> None:
        """Look through nothing: an app of the tests makes little, and soon ends."""

    def freeze(self) -> None:
        """Leave what was put aside as it is."""

    def unfreeze(self) -> None:
        """Leave it there, or each app that has been closed would have all of torch looked through from then on."""


@pytest.fixture(scope="session", autouse=True)
def _collector() -> Iterator[None]:
    """Have the app put nothing aside, and take nothing back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradb.tui.garbage.gc", Collector())
        yield


_MANY = 500
"""Tests of which some are bound to make an optimizer, for which torch imports its compiler."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, a quarter of what that takes: they stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have garbage be looked for only among what the tests make: with torch there are hundreds of thousands besides."""
    if "torch" in sys.modules and len(session.items) > _MANY:
        importlib.import_module("torch._dynamo")  # makes as many again, and would be looked through ever after
    gc.collect()
    gc.freeze()
