"""The signals of the app: what Textual does at a stop is done between two turns of the event loop, and only there."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from gradb.tui.signals import Signals
from tests.tui.support import wait_until

STOPPING = (signal.SIGTSTP, signal.SIGCONT)


class Textual:
    """Stands for Textual's handlers: they write to the terminal, for which they take the lock of a queue."""

    def __init__(self) -> None:
        self.queue = threading.Lock()
        self.did: list[str] = []

    def handle(self, number: int, frame: object) -> None:
        """Do as Textual would, if that is possible now."""
        name = signal.Signals(number).name
        self.did.append(f"{name} waits for ever" if self.queue.locked() else name)


class Script:
    """Stands for the script."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def stop(self) -> None:
        self.heard.append("stop")

    def hear(self, number: int) -> None:
        self.heard.append(signal.Signals(number).name)


@pytest.fixture
def textual() -> Iterator[Textual]:
    """Have Textual's handlers in place, and put back what there was."""
    textual = Textual()
    before = [signal.signal(number, textual.handle) for number in STOPPING]
    yield textual
    for number, handler in zip(STOPPING, before, strict=True):
        signal.signal(number, handler)


async def test_a_stop_in_the_midst_of_a_write_to_the_terminal(textual: Textual) -> None:
    """The lock that Textual's handlers want is held then, so they run once it is free; its screen is made anew once."""
    script = Script()
    signals = Signals(script.hear, script.stop, script.hear, lambda: script.hear(signal.SIGINT))
    signals.install(None)
    for number, heard in zip(STOPPING, (["stop"], ["stop", "SIGCONT"]), strict=True):
        with textual.queue:
            os.kill(os.getpid(), number)
        await wait_until(lambda: len(script.heard) >= len(heard))  # noqa: B023 - awaited in its turn
        assert script.heard == heard
    signals.uninstall()
    assert textual.did == ["SIGTSTP", "SIGCONT"]


async def test_an_app_that_was_stopped_without_a_word_is_shown_again(textual: Textual) -> None:
    """SIGSTOP cannot be handled: after it Textual has its screen to make anew, and the script goes on."""
    script = Script()
    signals = Signals(script.hear, script.stop, script.hear, lambda: script.hear(signal.SIGINT))
    signals.install(None)
    for times in (1, 2):
        os.kill(os.getpid(), signal.SIGCONT)
        await wait_until(lambda: len(script.heard) >= times)  # noqa: B023 - awaited in its turn
    signals.uninstall()
    assert textual.did == script.heard == ["SIGCONT", "SIGCONT"]
