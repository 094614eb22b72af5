"""What rounds of killing share: a victim by the seed, a folder of their own, and that no process is left."""

from __future__ import annotations

import random
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.e2e.gradb_process import wait_until_none_with


@dataclass(slots=True)
class Killing(ABC):
    """One run, of which something is killed."""

    seed: int
    is_killed: bool = False
    """Whether anything was."""

    VICTIMS: ClassVar[tuple[str, ...]] = ()
    """What may be killed."""

    @property
    def victim(self) -> str:
        """What is killed."""
        return self.VICTIMS[self.seed % len(self.VICTIMS)]

    def __str__(self) -> str:
        return self.victim

    def hold(self) -> str:
        """Return what did not hold, empty where all did."""
        with tempfile.TemporaryDirectory(prefix="gradb-kills-") as name:
            folder = Path(name).resolve()
            self.run(folder, random.Random(self.seed))
            wait_until_none_with(str(folder))
            return self.judge(folder)

    @abstractmethod
    def run(self, folder: Path, chance: random.Random) -> None:
        """Run something in a folder, and kill the victim."""

    @abstractmethod
    def judge(self, folder: Path) -> str:
        """Return what is not as it should be of what is left; empty where all is."""
