"""Who looks again and again at what nobody announces rests once nothing happens."""

from __future__ import annotations

from typing import Any

from gradb.link.messages import Finish, Message
from gradb.link.ticks import Ticks
from gradb.scribe.process import Scribe


def test_the_pause_is_long_after_looks_in_vain_and_short_again_at_once() -> None:
    """Only so many in a row count."""
    ticks = Ticks(0.02, 0.2, 3)
    pauses = []
    for is_quiet in (True, True, False, True, True, True, True, False):
        ticks.count(is_quiet=is_quiet)
        pauses.append(ticks.seconds)
    assert pauses == [0.02, 0.02, 0.02, 0.02, 0.02, 0.2, 0.2, 0.02]


class _Transcript:
    """One that comes to something a few times."""

    is_done = is_full = has_pending = False
    head = 0
    tape: Any = None

    def __init__(self, comes: list[bool]) -> None:
        self.comes = comes

    def advance(self) -> bool:
        return self.comes.pop(0)

    def finish(self) -> None:
        assert not self.comes


class _Channel:
    def __init__(self, transcript: _Transcript) -> None:
        self.timeouts: list[float] = []
        self.transcript = transcript

    def receive(self, timeout: float) -> Message | None:
        self.timeouts.append(timeout)
        return None if self.transcript.comes else Finish()

    def send(self, message: Message) -> None:
        """Hear nothing."""


def test_a_scribe_with_nothing_to_write_looks_five_times_a_second() -> None:
    """And as often as before once the script has gone on."""
    transcript = _Transcript([*[False] * 30, True, False, False])
    channel = _Channel(transcript)
    Scribe(transcript, channel).run()  # type: ignore[arg-type]
    assert channel.timeouts[0] == 0.02
    assert channel.timeouts[29:] == [0.2, 0.0, 0.02, 0.02]
