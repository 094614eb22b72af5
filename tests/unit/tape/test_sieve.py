"""The sieve: what it lets pass of all that stops would stop at, and what it keeps from them."""

from __future__ import annotations

from random import Random

import pytest

from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Kind
from gradb.tape.schema import BIRTH, GRAD_OFF, NAN, QUIET, SCALED
from gradb.tape.sieve import OPEN, Sieve
from gradb.tape.stops import Stop
from tests.properties import dice
from tests.unit.tape.test_search import ARGUMENTS, BY_HEADER, KINDS, NAMES, SCOPES

NUMBERED = [f"{name} {number}" for name in ("loss", "param") for number in range(3)]


def some_header(chance: Random) -> Event:
    """Return a header of few possible ones."""
    pick = chance.choice
    return Event(
        seq=pick([1, 2, 3, 4, 5, 6, 7, 8, 400]),
        kind=pick(KINDS),
        name=pick(NAMES + NUMBERED),
        file=pick([None, "dir/other.py", "s.py", "other.py"]),
        line=pick([None, 1, 2, 3, 4]),
        end_line=None,
        column=None,
        end_column=None,
        scope=pick(SCOPES),
        iteration=chance.randint(1, 4),
        phase=pick(["forward", "backward", "gradients", "optimizer"]),
        node=pick([None, 1, 2, 3]),
        flags=chance.randint(0, 127),
    )


def some_stop(chance: Random) -> Stop:
    """Return a stop that a header decides."""
    kind = chance.choice(BY_HEADER)
    return Stop(kind, chance.choice([*ARGUMENTS.get(kind, [""]), "no number"]), chance.random() < 0.5)


def passes(sieve: Sieve, event: Event) -> bool:
    """Ask it about a whole header."""
    place = (1, event.line, None, None, None)
    return sieve.passes(event.seq, event.kind, event.name, place, event.scope, event.iteration, event.flags)


def stops_at(stop: Stop, event: Event, origin: Event | None) -> bool:
    """Ask a stop, one whose argument is no number too."""
    try:
        return stop.matches(event, origin)
    except ValueError:
        return False


def test_what_a_stop_matches_passes() -> None:
    """Whatever the stops, the origin and the header: none is kept from a stop that matches it, asked twice or once."""
    for chance in dice(40):
        wanted = [some_stop(chance) for _ in range(chance.randint(1, 4))]
        origin = some_header(chance) if chance.random() < 0.8 else None
        sieve, events = Sieve(wanted, origin), [some_header(chance) for _ in range(chance.randint(4, 12))]
        for event in [*events, *events]:
            assert passes(OPEN, event)
            if any(stops_at(stop, event, origin) for stop in wanted):
                assert passes(sieve, event), (wanted, origin, event)


def event(
    kind: Kind = "op", name: str = "MulBackward0", line: int = 7, iteration: int = 3, flags: int = 0, scope: str = ""
) -> Event:
    """Return the header of the tenth event."""
    return Event(10, kind, name, "s.py", line, line, 0, 4, scope, iteration, "forward", 5, flags)


@pytest.mark.parametrize(
    ("stop", "inside", "outside"),
    [
        (Stop("end"), event("end"), event()),
        (Stop("node", "mul"), event(), event(name="AddBackward0")),
        (Stop("node", "mul"), event("node"), event("accumulate")),
        (Stop("at", "s.py:7"), event(), event(line=8)),
        (Stop("module", "layer1"), event(scope="layer1.0"), event(scope="layer10")),
        (Stop("module", "layer1"), event(scope="net.layer1"), event()),
        (Stop("module", "layer1"), event(scope="layer1"), event("node_start", scope="layer1")),
        (Stop("kind", "accumulate"), event("accumulate"), event()),
        (Stop("kind", "nothing"), event("accumulate"), event()),
        (Stop("birth"), event(flags=BIRTH | NAN), event(flags=NAN | QUIET | GRAD_OFF)),
        (Stop("nonfinite"), event(flags=NAN), event(flags=SCALED | QUIET)),
        (Stop("iteration", "3"), event(), event(iteration=2)),
        (Stop("iteration"), event(iteration=4), event(iteration=3)),
        (Stop("position", "10"), event(), event()),
    ],
)
def test_what_is_far_from_a_stop_is_kept_from_it(stop: Stop, inside: Event, outside: Event) -> None:
    """A sieve that lets everything pass would be of no use."""
    sieve = Sieve([stop], event())
    assert passes(sieve, inside) == (stop.argument != "nothing")
    if stop.kind == "position":
        assert not sieve.passes(11, "op", "MulBackward0", (1, 7, None, None, None), "", 3, 0)
    else:
        assert not passes(sieve, outside)


def test_a_great_many_names_are_no_burden() -> None:
    """What was asked is not kept for ever, and the answer stays the same."""
    sieve = Sieve([Stop("node", "Name7")])
    for _ in range(2):
        assert [number for number in range(9000) if sieve.knows(f"Name{number}Backward{number}")] == [7]
    assert len(sieve.known) <= 4096
    sieve = Sieve([Stop("module", "h.7")])
    for _ in range(2):
        assert [number for number in range(9000) if sieve.includes(f"h.{number}.attn")] == [7]
    assert len(sieve.scopes) <= 4096


def test_what_has_to_be_left_is_looked_for_at_every_event() -> None:
    """While the script is on the line that was met, an event on any other line matters."""
    assert passes(Sieve([Stop("at", "s.py:7", is_inside=True)]), event(line=8))
