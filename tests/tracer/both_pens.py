"""Drives the pen in C and the one in Python with the same calls, and holds what they write against each other.

Needs no torch: ``python -m tests.tracer.both_pens`` is what the sanitizers and valgrind run (see ``sanitized``). Calls
that a pen must refuse are made to the one in C alone, which has to go on afterwards as if there had been none.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradb.log import layouts, segments
from gradb.log.pen import MakePen, PythonPen, Spot
from gradb.log.reader import LogReader
from gradb.log.writer import LogWriter
from gradb.tracer.native.loading import standing

_NUMBERS = (0, 1, 2, 7, 255, 2**31, 2**53 + 1, 2**62, -1, -(2**62))
_FLOATS = (0.0, -0.0, 0.1, 1e300, 5e-324, math.inf, -math.inf, math.nan)
_TEXTS = ("", "x", "torch.f", "ünder", "n\udcffo", "☃" * 300, "a\0b", "layer.0")
_SIZES = (0, 1, 7, 8, 9, 1000, 70_000)
_MANY = 100


class _Sited(tuple[Any, ...]):  # noqa: SLOT001 - a tuple has none
    """A place of the script's, with that in a library and the calls that lead there beside it."""

    spot = Spot((1, 2, 2, 0, 5), (3, 14), 7)


_PLACES: tuple[Any, ...] = ((1, 2, 2, 0, 5), (None,) * 5, (2, 3, None, None, 9), _Sited((1, 2, 2, 0, 5)))


def make_c_pen() -> MakePen:
    """Return what makes the pen in C.

    Raises:
        LookupError: there is none.
    """
    module = standing().module
    if module is None:
        raise LookupError(standing().text)
    made: MakePen = module.Pen
    return made


# --- the same bytes ---------------------------------------------------------------------------------------------------


def check_pens(folder: Path, seed: int, count: int) -> int:
    """Make so many calls at random, with each pen; return how many bytes both have written."""
    written = []
    for name, make in (("python", PythonPen), ("c", make_c_pen())):
        writer = LogWriter(folder / f"{name}-{seed}", make)
        choose = random.Random(seed)
        for number in range(count):
            choose.choice(_CALLS)(writer, choose)
            if number % _MANY == 0:
                _spill(writer, choose)
        writer.close()
        numbers = segments.numbers_in(writer.folder)
        written.append([Path(segments.path_of(writer.folder, number)).read_bytes() for number in numbers])
        segments.remove(writer.folder)
    assert written[0] == written[1]
    return sum(map(len, written[0]))


def _event(writer: LogWriter, choose: random.Random) -> None:
    data = choose.choice((None, b"", bytes(choose.choice(_SIZES))))
    some = choose.choice(_TEXTS) + str(choose.randrange(400))
    writer.pen.event(
        "op", some, choose.choice(_PLACES), choose.choice(_TEXTS) * choose.choice((1, 1, 40)), data,
        choose.choice(_TEXTS), choose.randrange(2**32), "forward", choose.choice((None, *_NUMBERS)),
        choose.randrange(4), choose.randrange(2**16),
    )  # fmt: skip


def _node(writer: LogWriter, choose: random.Random) -> None:
    edges = [(choose.choice((None, *_NUMBERS)), choose.choice(_NUMBERS)) for _ in range(choose.choice((0, 1, 2, 70)))]
    writer.pen.node(
        choose.choice(_NUMBERS), choose.choice(_TEXTS), writer.head + 1, "builtin", choose.random() < 0.5,
        choose.choice((None, *_NUMBERS)), edges,
    )  # fmt: skip


def _tensor(writer: LogWriter, choose: random.Random) -> None:
    node = choose.choice((None, *_NUMBERS))
    writer.pen.tensor(choose.choice(_NUMBERS), writer.head + choose.randrange(2), node, choose.randrange(5))


def _grad(writer: LogWriter, choose: random.Random) -> None:
    writer.pen.grad(choose.choice(_NUMBERS), writer.head + choose.randrange(2), choose.choice((-1, 0, 1, 2**40)), 3)


def _name(writer: LogWriter, choose: random.Random) -> None:
    writer.pen.name(choose.choice(_NUMBERS), writer.head + 1, choose.choice(_TEXTS) + str(choose.randrange(40)))


def _point(writer: LogWriter, choose: random.Random) -> None:
    writer.pen.point(choose.randrange(2**32), writer.head, choose.choice(_NUMBERS), choose.choice(_FLOATS))


def _rest(writer: LogWriter, choose: random.Random) -> None:
    writer.missing(writer.head + 1, "names", choose.choice(_TEXTS), "values")
    writer.gone.extend([(writer.head + 1, number) for number in (3, 4, 9)])
    writer.touched.append((2, writer.head + 1))
    writer.remark(choose.choice(_NUMBERS), writer.head + 1, "made_by", choose.choice(_TEXTS))


def _forget(writer: LogWriter, choose: random.Random) -> None:
    writer.pen.forget(writer.head)


def _commit(writer: LogWriter, choose: random.Random) -> None:
    writer.commit()
    assert not writer.pen.has_said()


def _id(writer: LogWriter, choose: random.Random) -> None:
    key: Any = choose.choice((*_TEXTS, _PLACES[0], Spot(_PLACES[1], None, 0), Spot(_PLACES[2], (3, 14), 2**32 - 1)))
    assert writer.pen.id(key) == writer.pen.ids[key]


_CALLS: tuple[Callable[[LogWriter, random.Random], None], ...] = (
    _event, _event, _event, _node, _tensor, _tensor, _grad, _grad, _name, _point, _rest, _forget, _commit, _id,
)  # fmt: skip


def _spill(writer: LogWriter, choose: random.Random) -> None:
    """Begin another segment, in which all ids are told anew; sometimes with other ids."""
    if choose.random() < 0.3:
        writer.pen.write()
        writer.pen.ids.clear()
    writer._go_on(choose.choice((0, 100_000)))


# --- what is refused --------------------------------------------------------------------------------------------------

_NO_NODE: tuple[Any, ...] = (1, "a", 1, "builtin", True, None)
_REFUSED: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("event", ()),
    ("event", ("op", "f", (1, 2, 2, 0, 5), "[]", "no bytes", "", 1, "forward", None, 0, 0)),
    ("event", ("op", "f", (1, 2, 2, 0, 5), b"no text", None, "", 1, "forward", None, 0, 0)),
    ("event", ("op", "f", (1, 2), "[]", None, "", 1, "forward", None, 0, 0)),
    ("event", ("op", "f", (2**40,) * 5, "[]", None, "", 1, "forward", None, 0, 0)),
    ("event", ("op", "f", None, "[]", None, "", 1, "forward", None, 0, 0)),
    ("event", ("op", ["no key"], (1, 2, 2, 0, 5), "[]", None, "", 1, "forward", None, 0, 0)),
    ("event", ("op", "f", (1, 2, 2, 0, 5), "[]", None, "", 2**70, "forward", None, 0, 0)),
    ("node", _NO_NODE),
    ("node", (*_NO_NODE, (1, 2))),
    ("node", (*_NO_NODE, [(1, 2), (3,)])),
    ("node", (*_NO_NODE, [(1, 2), ("x", 2)])),
    ("node", ("x", *_NO_NODE[1:], [])),
    ("tensor", (1, 2, 3)),
    ("tensor", (1, 2, "x", 4)),
    ("grad", (1, 2, 3, 2**70)),
    ("name", (1, 2, 7)),
    ("name", (1, None, [])),
    ("point", (1, 2, 3, "x")),
    ("point", (1, 2)),
    ("say", ("no bytes",)),
    ("say", (b"odd",)),
    ("id", ([],)),
    ("id", ((1, 2, 3),)),
    ("id", (((1, 2, 3, 4, 5), (1,)),)),
    ("forget", ("x",)),
    ("use", (7,)),
)


def check_refusals(folder: Path, rounds: int) -> None:
    """Make every call that is to be refused, each between two events; all of these are in the log, and no other."""
    writer = LogWriter(folder / "refused", make_c_pen())
    for _ in range(rounds):
        for method, arguments in _REFUSED:
            try:
                getattr(writer.pen, method)(*arguments)
            except (TypeError, ValueError, OverflowError, AttributeError):
                pass
            else:
                raise AssertionError(f"{method}{arguments} was not refused")
            writer.event("op", "torch.f", _PLACES[0], "[]", b"data")
    writer.close()
    seqs = [numbers[0] for layout, numbers, _ in LogReader(writer.folder) if layout is layouts.EVENT]
    assert seqs == list(range(1, rounds * len(_REFUSED) + 1))
    segments.remove(writer.folder)


# --- memory -----------------------------------------------------------------------------------------------------------


def check_memory(folder: Path, events: int) -> int:
    """Write so many events in C, with what is said of them; return by how many KiB resident memory grew meanwhile.

    What was given to the pen is held by nobody when it is over.
    """
    writer = LogWriter(folder / "memory", make_c_pen())
    given: tuple[Any, ...] = ("a name of its own", "[a detail of its own]", b"data" * 30, (9, 8, 7, 6, 5), [(1, 0)])
    _write(writer, given, events // 10)
    gc.collect()
    counts, before = [sys.getrefcount(one) for one in given], _resident()
    _write(writer, given, events)
    gc.collect()
    grown = _resident() - before
    assert [sys.getrefcount(one) for one in given] == counts
    writer.close()
    segments.remove(writer.folder)
    return grown


def _write(writer: LogWriter, given: tuple[Any, ...], events: int) -> None:
    name, detail, data, place, edges = given
    pen = writer.pen
    for number in range(events):
        event = writer.head + 1
        pen.node(event, name, event, "builtin", True, None, edges)
        pen.tensor(event, event, event, 0)
        pen.point(1, event, 1, 0.5)
        pen.event("op", name, place, detail, data, "layer", 1, "forward", event, 0, 0)
        if number % 20_000 == 0:
            for old in segments.numbers_in(writer.folder)[:-1]:  # as the scribe does
                os.unlink(segments.path_of(writer.folder, old))


def _resident() -> int:
    """Return the KiB of this process that lie in memory and are no file's."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def main(words: list[str]) -> None:
    """Check all there is, or the parts that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.tracer.both_pens")
    parser.add_argument("--count", type=int, default=100_000, help="how many calls, or events (%(default)s)")
    parser.add_argument("parts", nargs="*", choices=("calls", "refusals", "memory", []), help="all if left out")
    options = parser.parse_args(words)
    parts = options.parts or ["calls", "refusals", "memory"]
    with tempfile.TemporaryDirectory() as name:
        if "calls" in parts:
            sizes = [check_pens(Path(name), seed, 1000) for seed in range(max(1, options.count // 1000))]
            print(f"{sum(sizes):,} bytes agree", flush=True)
        if "refusals" in parts:
            check_refusals(Path(name), 1 + options.count // 1000)
            print("what is no call is refused", flush=True)
        if "memory" in parts:
            grown = check_memory(Path(name), options.count)
            print(f"{options.count:,} events: resident memory grew by {grown} KiB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
