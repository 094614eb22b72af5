"""Options about the course of a run."""

from __future__ import annotations

import pytest

from gradb.cli.arguments import Parser, add_run_options
from gradb.cli.interventions import interventions
from gradb.debugger.errors import UserError
from gradb.link.spec import Intervention


def parser() -> Parser:
    made = Parser("record", "usage", "description")
    add_run_options(made)
    return made


def test_nothing_is_changed_unless_asked() -> None:
    """Without options there is no seed, no change and no size."""
    options = parser().parse_args([])
    assert (options.seed, options.max_tape, interventions(options)) == (None, None, ())


def test_options_become_changes() -> None:
    """Each option has its part in the changes."""
    words = "--seed 0 --zero-grad off@120,on@200 --lr 1e-4@300 --record full@100-110 --max-tape 500M"
    options = parser().parse_args(words.split())
    assert (options.seed, options.max_tape) == (0, 500 << 20)
    assert interventions(options) == (
        Intervention("zero_grad", "off", 120),
        Intervention("zero_grad", "on", 200),
        Intervention("lr", "1e-4", 300),
        Intervention("record", "watch", 1),
        Intervention("record", "full", 100),
        Intervention("record", "watch", 111),
    )


@pytest.mark.parametrize(
    ("text", "size"), [("1000", 1000), ("4G", 4 << 30), ("1.5k", 1536), ("2MiB", 2 << 20), ("1tb", 1 << 40)]
)
def test_sizes(text: str, size: int) -> None:
    """Bytes, or a number with a unit."""
    assert parser().parse_args(["--max-tape", text]).max_tape == size


MISTAKES = (
    ("--zero-grad sideways", "argument --zero-grad: 'sideways' is not what zero_grad can be set to"),
    ("--zero-grad off@abc", "argument --zero-grad: 'abc' is not an iteration"),
    ("--lr=-1", "argument --lr: '-1' is not what"),
    ("--lr -1", "argument --lr: '-1' is not what"),
    ("--lr nan", "argument --lr: 'nan' is not what"),
    ("--record full@9-3", "argument --record: 'full@9-3' ends before it begins"),
    ("--seed x", "argument --seed: 'x' is not a seed: give a whole number from 0 to 9223372036854775807"),
    ("--seed -1", "argument --seed: '-1' is not a seed"),
    ("--seed 1.5", "argument --seed: '1.5' is not a seed"),
    ("--seed 9223372036854775808", "is not a seed"),
    ("--max-tape big", "argument --max-tape: 'big' is not a size: give bytes, or a number and K, M, G or T"),
    ("--max-tape 0", "'0' is not a size"),
    ("--max-tape -5M", "expected one argument"),
)


@pytest.mark.parametrize(("words", "sentence"), MISTAKES)
def test_mistake_is_named(words: str, sentence: str) -> None:
    """The option and the word are named, with what is allowed."""
    with pytest.raises(UserError) as caught:
        parser().parse_args(words.split())
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
