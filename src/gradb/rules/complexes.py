"""Rules of ops between real and complex numbers.

A complex number counts as the pair of its real and imaginary parts, and so does its gradient (∂L/∂re + i·∂L/∂im, as
PyTorch has it): the entries here are those of the real Jacobian over such pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from gradb.rules.arguments import Given
from gradb.rules.kernels import Entries, Entry, one_to_one, places
from gradb.rules.model import Part, Rule

Pair = tuple[float, float]


def _conjugated(given: Given) -> Iterator[Entry]:
    return ((i, i, -1.0 if i % 2 else 1.0) for i in range(given.out.size))


def _part(which: int) -> Entries:
    return lambda given: (
        (2 * i + which, j, 1.0) for i, j in enumerate(places(given.input.shape, given.out.shape[:-1]))
    )


def _by_pair(slope: Callable[[float, float], Pair]) -> Entries:
    """A real result of a complex number: ``slope(re, im)`` is its derivative by both parts."""

    def entries(given: Given) -> Iterator[Entry]:
        numbers = given.input.numbers
        step = 2 if given.input.is_complex else 1
        for i in range(given.out.size):
            by_re, by_im = slope(numbers[step * i], numbers[step * i + 1] if step == 2 else 0.0)
            yield i, step * i, by_re
            if step == 2:
                yield i, 2 * i + 1, by_im

    return entries


def _angle(re: float, im: float) -> Pair:
    size = re * re + im * im
    return (-im / size, re / size) if size else (0.0, 0.0)


def _polar(is_radius: bool) -> Entries:
    def entries(given: Given) -> Iterator[Entry]:
        shape, radius, angle = given.out.shape[:-1], given.array("abs"), given.array("angle")
        found = zip(*(places(array.shape, shape) for array in (radius, angle, given.input)), strict=True)
        for i, (of_radius, of_angle, j) in enumerate(found):
            r, a = radius.numbers[of_radius], angle.numbers[of_angle]
            yield 2 * i, j, math.cos(a) if is_radius else -r * math.sin(a)
            yield 2 * i + 1, j, math.sin(a) if is_radius else r * math.cos(a)

    return entries


def _sgn(given: Given) -> Iterator[Entry]:
    """z/|z| turns with z and keeps its length: only what is across z counts, and by 1/|z|."""
    if not given.input.is_complex:
        return
    for k in range(0, given.input.size, 2):
        re, im = given.input.numbers[k : k + 2]
        size = math.hypot(re, im)
        if not size:
            continue
        across = (-im / size, re / size)
        for a in (0, 1):
            for b in (0, 1):
                yield k + a, k + b, across[a] * across[b] / size


def _complex(node: str, local: str, sentence: str, entries: Entries, functions: str, condition: str = "") -> Rule:
    part = Part("self", local, sentence, condition, entries=entries)
    return Rule(node, (part,), ("self",), tuple(functions.split()), is_complex=True)


_PAIRS = "the same numbers seen as pairs of real and imaginary part: the gradient passes unchanged"
_REAL = "downstream is the real part of upstream times the conjugate"
_MIRRORED = "the imaginary part changes its sign, and so does that of the gradient"

COMPLEXES = (
    _complex("Conj", "conjugate", _MIRRORED, _conjugated, "conj H adjoint"),
    _complex("ConjPhysical", "conjugate", _MIRRORED, _conjugated, "conj_physical"),
    _complex("ViewAsReal", "1", _PAIRS, one_to_one, "view_as_real"),
    _complex("ViewAsComplex", "1", _PAIRS, one_to_one, "view_as_complex"),
    _complex(
        "Angle",
        "i·{self}/|{self}|²",
        "only a move across the number turns it; a real number cannot turn, so it gets 0",
        _by_pair(_angle),
        "angle",
        "upstream is multiplied by it: ∂{out}/∂re + i·∂{out}/∂im; at 0 PyTorch takes 0",
    ),
    _complex(
        "Sgn",
        "0 along {self}, 1/|{self}| across it",
        "the length is always 1, so only a turn counts; for real numbers it is flat and gets 0",
        _sgn,
        "sgn sign",
        "at 0 PyTorch takes 0",
    ),
    Rule(
        "Complex",
        (
            Part("real", "1", "the real part of upstream goes to the real part", _REAL, entries=_part(0)),
            Part("imag", "i", "the imaginary part of upstream goes to the imaginary part", _REAL, entries=_part(1)),
        ),
        ("real", "imag"),
        ("complex",),
        is_complex=True,
    ),
    Rule(
        "Polar",
        (
            Part(
                "abs",
                "cos({angle}) + i·sin({angle})",
                "more radius moves it outward",
                _REAL,
                entries=_polar(True),
            ),
            Part("angle", "i·{out}", "more angle moves it across, by its radius", _REAL, entries=_polar(False)),
        ),
        ("abs", "angle"),
        ("polar",),
        is_complex=True,
    ),
)
