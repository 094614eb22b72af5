"""What the processes of pytest-xdist say of each test: no more than is looked at."""

from __future__ import annotations

from typing import Any

import pytest


def say_less(config: pytest.Config) -> None:
    """Have a process of pytest-xdist send one report a test, where nobody asked for more, instead of five.

    What it does not send is that a test begins and ends, and that it was set up and taken down without a failure.
    """
    sends_all = config.option.verbose > 0 or config.option.durations is not None or config.option.xmlpath
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor" and not sends_all:
            config.pluginmanager.unregister(plugin)
            plugin.__class__ = _terse(type(plugin))
            config.pluginmanager.register(plugin)


def _terse(interactor: Any) -> type:
    class Terse(interactor):  # type: ignore[misc]
        @pytest.hookimpl
        def pytest_runtest_logstart(self) -> None:
            """Say nothing."""

        @pytest.hookimpl
        def pytest_runtest_logfinish(self) -> None:
            """Say nothing."""

        @pytest.hookimpl
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.when == "call" or not report.passed:
                super().pytest_runtest_logreport(report)

    return Terse
