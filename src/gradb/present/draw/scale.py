"""From values to heights in a plot, and the round numbers beside it.

A linear scale shows the whole range, but for values that have blown up: where they exceed everything else a thousand
times they are cut off, so that the rest can still be read, and the plot says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gradb.present.draw.columns import Column

_BLOWN_UP = 1000.0
"""What exceeds the range of the rest so many times is cut off."""
_KEPT = 2.0
"""So many times the range of the rest is still shown of it."""
_LARGEST = 1.7e308
_STEPS = (1, 2, 5, 10)
_POWER_STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 200)

Tick = tuple[float, str]
"""A height from 0 to 1, and a label."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A vertical scale."""

    low: float
    """At the bottom: a value, or its decimal logarithm."""
    high: float
    """At the top, higher than ``low``."""
    is_log: bool = False
    cut_above: float | None = None
    """The value from which on values are drawn at the top edge; None where all are in their places."""
    cut_below: float | None = None
    is_empty: bool = False
    """True where there is no value to show."""

    def height(self, value: float) -> float:
        """Return the height of a value, from 0 to 1; on a logarithmic scale the value is positive."""
        place = min(max(math.log10(value) if self.is_log else value, self.low), self.high)
        unit = 0.25 if max(abs(self.low), abs(self.high)) > 1e300 else 1.0  # the difference of two of them overflows
        return (place * unit - self.low * unit) / (self.high * unit - self.low * unit)

    def ticks(self, count: int) -> list[Tick]:
        """Return about ``count`` round numbers, from the bottom to the top."""
        if self.is_empty:
            return []
        found = _decades(self.low, self.high, count) if self.is_log else _round_numbers(self.low, self.high, count)
        values = found or [(place, _short(10.0**place if self.is_log else place)) for place in (self.low, self.high)]
        span = self.high / 2 - self.low / 2
        return [((place / 2 - self.low / 2) / span if span else 0.0, label) for place, label in values]


def fitting(curves: Sequence[Sequence[Column]], *, is_log: bool = False) -> Scale:
    """Return the scale on which the columns of all curves can be read."""
    shapes = [[column.shape for column in curve if column.shape is not None] for curve in curves]
    shapes = [curve for curve in shapes if curve]
    if not shapes:
        return Scale(0.0, 1.0, is_log, is_empty=True)
    low, high = min(low for curve in shapes for _, low, _, _ in curve), max(high for c in shapes for _, _, high, _ in c)
    if is_log:
        return _padded(math.log10(low), math.log10(high), is_log=True)
    above, below = _cut(shapes, low, high)
    low, high = low if below is None else below, high if above is None else above
    low = 0.0 if 0 < low < high / 4 else low
    scale = _padded(low, high)
    return Scale(scale.low, scale.high, cut_above=above, cut_below=below)


def _cut(
    shapes: list[list[tuple[float, float, float, float]]], low: float, high: float
) -> tuple[float | None, float | None]:
    """Return where values that have blown up are cut off, above and below."""
    tops = sorted(shape[2] for curve in shapes for shape in curve)
    bottoms = sorted(shape[1] for curve in shapes for shape in curve)
    ceiling = max(*(curve[0][0] for curve in shapes), tops[len(tops) // 4])
    floor = min(*(curve[0][0] for curve in shapes), bottoms[-1 - len(bottoms) // 4])
    room_above = max(ceiling - low, abs(ceiling))
    room_below = max(high - floor, abs(floor))
    above = ceiling + _KEPT * room_above if high / _BLOWN_UP - ceiling / _BLOWN_UP > room_above > 0 else None
    below = floor - _KEPT * room_below if floor / _BLOWN_UP - low / _BLOWN_UP > room_below > 0 else None
    return above, below


def _padded(low: float, high: float, *, is_log: bool = False) -> Scale:
    if low < high:
        return Scale(low, high, is_log)
    room = 0.5 if is_log else (abs(low) / 2 or 1.0)
    return Scale(max(low - room, -_LARGEST), min(high + room, _LARGEST), is_log)


# --- round numbers ----------------------------------------------------------------------------------------------------


def round_step(length: float, count: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at most ``count`` of which make up a length; 0 where there is none."""
    least = length / max(count, 1)
    if not (math.isfinite(least) and least > 1e-300):
        return 0.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in _STEPS if step * power >= least * (1 - 1e-9)), 10 * power)


def _round_numbers(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Return at least two multiples of a round step; none where the machine's numbers are too coarse for that."""
    for wanted in (count, 2 * count, 5 * count):
        step = round_step(high / 2 - low / 2, wanted / 2)
        if step <= 0 or max(abs(low), abs(high)) / step > 1e9:
            return []
        values = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(values) > 1:
            return list(zip(values, _labels(values, step), strict=True))
    return []


def _labels(values: Sequence[float], step: float) -> list[str]:
    largest = max(abs(value) for value in values)
    power = math.floor(math.log10(step) + 1e-9)
    if step >= 1e-4 and largest < 1e6:
        return [f"{value + 0.0:.{max(-power, 0)}f}" for value in values]
    digits = max(math.floor(math.log10(largest)) - power, 0)
    return ["0" if value == 0 else _scientific(f"{value:.{digits}e}") for value in values]


def _scientific(text: str) -> str:
    mantissa, _, power = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(power)}"


def _short(value: float) -> str:
    if 1e-4 <= abs(value) < 1e6 or value == 0:
        return f"{value:.6g}"
    return _scientific(f"{value:.3e}")


def _decades(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Return powers of ten, or where there are too few their multiples, between two decimal logarithms."""
    powers = range(math.ceil(low), math.floor(high) + 1)
    if len(powers) > 1:
        least = -(-len(powers) // max(count, 2))
        step = next((step for step in _POWER_STEPS if step >= least), least)
        thinned = [power for power in powers if power % step == 0]
        return [(float(power), _power(power)) for power in (thinned if len(thinned) > 1 else (powers[0], powers[-1]))]
    multiples = [(power, times) for power in range(math.floor(low), math.floor(high) + 1) for times in (1, 2, 5)]
    found = [(power + math.log10(times), times, power) for power, times in multiples]
    kept = [(place, times, power) for place, times, power in found if low <= place <= high]
    return [(place, _multiple(times, power)) for place, times, power in kept] if len(kept) > 1 else []


def _power(power: int) -> str:
    return _multiple(1, power)


def _multiple(times: int, power: int) -> str:
    if -3 <= power <= 4:
        return f"{times * 10**power}" if power >= 0 else f"{times / 10**-power:.{-power}f}"
    return f"{times}e{power}"
