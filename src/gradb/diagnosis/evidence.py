"""What all judges of one tape share: the tape, and what several of them want to know of the events so far."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol, TypeVar

from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Detail

_KEPT = 64


class Account(Protocol):
    """Keeps account of one thing on a tape: optimizers and their parameters, backward calls ..."""

    def see(self, event: Event) -> None:
        """Take in an event, of any kind, before the judges do."""
        ...


A = TypeVar("A", bound=Account)


class Evidence:
    """What is known of a tape up to the event that is being judged."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.detail: Callable[[int], Detail] = lru_cache(_KEPT)(tape.detail)
        """Values and structure of an event, by its position; several judges ask for the same."""
        self._accounts: dict[Callable[[Evidence], Account], Account] = {}

    def account(self, make: Callable[[Evidence], A]) -> A:
        """Return the one account of a kind; asked for when a judge is made, so that it sees every event.

        Args:
            make: makes it, given the evidence; usually its class.
        """
        if make not in self._accounts:
            self._accounts[make] = make(self)
        return self._accounts[make]  # type: ignore[return-value]

    def see(self, event: Event) -> None:
        """Take in the next event."""
        for account in self._accounts.values():
            account.see(event)
