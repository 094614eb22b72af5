"""Every kind of event is known wherever kinds are told apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import gradb
from gradb.tape.kinds.registry import SPECS, Detail, Kind

DOCUMENT = Path(gradb.__file__).parents[2] / "docs" / "json.md"


def test_the_type_names_the_kinds_of_the_registry() -> None:
    """Mypy knows the same kinds as the tables do, in the same order."""
    assert get_args(Kind) == tuple(SPECS)


def test_every_kind_has_a_detail_of_its_own_in_its_file() -> None:
    """A kind is looked for in the file of its name (``print_``), and its detail is what its ``read`` returns."""
    files = {detail.__module__.rpartition(".")[2].rstrip("_"): detail.__name__ for detail in get_args(Detail)}
    assert list(files) == list(SPECS)
    assert files == {kind: spec.read.__annotations__["return"] for kind, spec in SPECS.items()}


@pytest.mark.skipif(not DOCUMENT.exists(), reason="no docs beside an installed package")
def test_the_document_has_a_row_for_every_kind() -> None:
    """docs/json.md names every kind in its list and has a row of fields for it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    (listed,) = re.findall(r"^\| `kind` \| (.*) \|$", text, re.MULTILINE)
    assert re.findall(r"`(\w+)`", listed) == list(SPECS)
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert set(SPECS) <= set(rows)
