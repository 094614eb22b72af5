"""The next checkpoint is due once the script has spent many times what one costs, with the copies that it causes."""

from __future__ import annotations

from gradb.link.messages import FIRST_AFTER
from gradb.tracer.checkpoints.spacing import SHARE, Spacing, Usage


class Process:
    """One that spends as much as is said."""

    def __init__(self) -> None:
        self.seconds = 10.0
        self.faults = 1000
        self.spacing = Spacing(lambda: Usage(self.seconds, self.faults), lambda: self.seconds)

    def iterate(self, seconds: float, faults: int) -> bool:
        """Spend something, and tell whether a checkpoint is due at the iteration that begins then."""
        self.seconds += seconds
        self.faults += faults
        return self.spacing.is_due()

    def iterations_until_due(self, seconds: float, faults: int) -> int:
        """Count the iterations of one kind until a checkpoint is due."""
        count = 1
        while not self.iterate(seconds, faults):
            count += 1
        return count

    def make(self, price: float, fault: float = 0.0, pages: int = 10**6) -> None:
        """Make a checkpoint."""
        self.spacing.begins()
        self.seconds += price
        self.spacing.made(price, fault, pages)


def test_the_next_is_due_after_many_times_its_price() -> None:
    """Whatever an iteration takes."""
    for seconds in (0.001, 0.01, 0.5):
        process = Process()
        process.iterations_until_due(seconds, 7)
        process.make(0.04)
        count = process.iterations_until_due(seconds, 7)
        assert (count - 1) * seconds <= SHARE * 0.04 + 1e-6 <= count * seconds + 2e-6


def test_pages_that_are_copied_count() -> None:
    """Beyond those that each iteration is given anyway, and no more of them than there are."""
    process = Process()
    process.iterations_until_due(0.01, 100)
    process.make(0.02, fault=1e-5, pages=2500)
    process.iterate(0.01, 100 + 2000)
    assert process.spacing.copied == 0.0  # it is looked at once most is copied
    process.iterate(0.01, 100)
    process.iterate(0.01, 100)
    assert round(process.spacing.copied, 6) == 0.02
    assert process.iterations_until_due(0.01, 100) * 0.01 > SHARE * 0.04 - 0.05
    process.make(0.02, fault=1e-5, pages=2500)
    process.iterate(0.01, 10**6)
    process.iterate(0.01, 0)
    process.iterate(0.01, 0)
    assert round(process.spacing.copied, 6) == 0.025


def test_one_that_cannot_be_made_is_not_tried_at_once_again() -> None:
    """As if it had cost what the first is taken to cost, at least."""
    process = Process()
    process.iterations_until_due(0.1, 0)
    process.spacing.begins()
    process.spacing.failed(0.0)
    assert process.iterations_until_due(0.1, 0) > 5


def test_the_first_is_due_when_it_is_said_to_be() -> None:
    """So many seconds behind the beginning of the first iteration."""
    process = Process()
    assert not process.iterate(0.0, 1)
    assert not process.iterate(FIRST_AFTER - 0.01, 1)
    assert process.iterate(0.01, 1)
