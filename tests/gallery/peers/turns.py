"""Drives the loop of a script turn by turn from outside: it runs on a thread of its own, and waits between turns."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from tests.gallery.peers import loops
from tests.gallery.peers.subject import optimizers

_PATIENCE = 30.0
"""Seconds that one turn may take."""


class Turns:
    """The iterations of a script's first loop with a backward."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at: loops.Turn | None = None
        self._failure: BaseException | None = None
        self._is_over = False
        self._go = threading.Semaphore(0)
        self._there = threading.Semaphore(0)

    def count(self, most: int) -> tuple[int, int]:
        """Return how many turns the script takes with the same optimizers, and in which of them one first steps.

        No more than so many are counted. The script is run in a process of its own for that.
        """
        readable, writable = os.pipe()
        pid = os.fork()
        if not pid:
            self._tell(writable, most)
        os.close(writable)
        with os.fdopen(readable, "rb") as file:
            told = file.read()
        os.waitpid(pid, 0)
        turns = told.count(b".")
        return turns, max(1, told.partition(b"s")[0].count(b".")) if b"s" in told else 1

    def _tell(self, writable: int, most: int) -> NoReturn:
        """Write a point for each turn, and an s for each step of an optimizer."""
        turns: list[list[Any]] = []

        def turn(at: loops.Turn) -> None:
            turns.append(optimizers(at))
            if len(turns) > most or list(map(id, turns[-1])) != list(map(id, turns[0])):
                os._exit(0)
            os.write(writable, b".")

        def stepped(*_given: object) -> None:
            os.write(writable, b"s")

        register_optimizer_step_post_hook(stepped)
        try:
            loops.run(self._path, turn)
        finally:
            os._exit(0)

    def begin(self) -> loops.Turn:
        """Start the script; return the top of its first turn.

        Raises:
            LookupError: it has no loop with a backward, or never comes there.
        """
        threading.Thread(target=self._run, daemon=True).start()
        self._wait()
        if self._at is None:
            raise LookupError("it never comes to a loop with a backward")
        return self._at

    def step(self) -> Any:
        """Let the script take a turn; return its loss, a number in a variable that is named after it."""
        assert self._at is not None
        self._go.release()
        self._wait()
        losses = [one for name, one in self._at.scope.items() if "loss" in name and isinstance(one, torch.Tensor)]
        return next((one.detach() for one in losses if one.numel() == 1), {})

    def _run(self) -> None:
        try:
            loops.run(self._path, self._turn)
        except BaseException as error:
            self._failure = error
        self._is_over = True
        self._there.release()

    def _turn(self, at: loops.Turn) -> None:
        self._at = at
        self._there.release()
        self._go.acquire()

    def _wait(self) -> None:
        if not self._there.acquire(timeout=_PATIENCE):
            raise TimeoutError("a turn of the loop does not end")
        if self._failure is not None:
            raise self._failure
