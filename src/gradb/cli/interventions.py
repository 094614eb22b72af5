"""Options about the course of a run: ``--seed``, ``--zero-grad``, ``--lr``, ``--record`` and ``--max-tape``.

What the words mean is ``debugger.interventions``'; here they become options, and fields of a ``RunSpec``.
"""

from __future__ import annotations

import argparse
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from gradb.debugger.errors import UserError
from gradb.debugger.interventions import parse_depths, parse_schedule
from gradb.debugger.numerals import read_whole

if TYPE_CHECKING:
    from gradb.link.spec import Intervention

Value = TypeVar("Value")

_MOST_SEED = 2**63 - 1
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)([KMGT]?)I?B?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def add_intervention_options(parser: ArgumentParser) -> None:
    """Add the options that change a run from outside."""
    add = parser.add_argument
    add("--seed", metavar="N", type=_seed, help="seed torch, random and numpy with N before the script begins")
    add(
        "--zero-grad",
        metavar="WORDS",
        type=_said(lambda text: parse_schedule("zero_grad", text)),
        default=(),
        help="script, off (nothing clears gradients) or on (cleared before each backward), each from an iteration on\n"
        "where one is given: off, off@120,on@200",
    )
    add(
        "--lr",
        metavar="WORDS",
        type=_said(lambda text: parse_schedule("lr", text)),
        default=(),
        help="the learning rate of every optimizer, or script: 1e-4, 1e-4@300,script@500",
    )
    add(
        "--record",
        dest="depths",
        metavar="WORDS",
        type=_said(parse_depths),
        default=(),
        help="full (every event, the default), watch (losses and gradient norms alone), or full for some iterations\n"
        "and watch for the rest: full@100-110",
    )
    add(
        "--max-tape",
        metavar="SIZE",
        type=_size,
        help="size of the tape from which on the run is only watched: 500M, 4G (default: 4G)",
    )


def interventions(options: Namespace) -> tuple[Intervention, ...]:
    """Return every change that the options ask for."""
    return (*options.zero_grad, *options.lr, *options.depths)


def _said(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Make a reader of the debugger's one that argparse names the option for."""

    def parse(text: str) -> Value:
        try:
            return read(text)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def _seed(text: str) -> int:
    if (seed := read_whole(text, 0, _MOST_SEED)) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed: give a whole number from 0 to {_MOST_SEED}")
    return seed


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    size = 0 if found is None else int(float(found[1]) * _UNITS[found[2].upper()])
    if size <= 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size: give bytes, or a number and K, M, G or T, as in 500M"
        )
    return size
