"""What is said of a node goes by the version of torch that recorded it."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest

from gradb.rules import describe, lookup
from gradb.rules.changed import CHANGED
from gradb.rules.formulas import formula_for
from gradb.rules.table import RULES
from gradb.rules.versions import BASE, MEASURED, measured, order, stand_in
from tests.unit.rules.test_explain import chain, tensor


@pytest.mark.parametrize(
    ("torch", "known"),
    [
        ("2.13.0", "2.13.0"),
        ("2.14.1+cu130", "2.14.1"),
        ("2.14.0", "2.13.0"),
        ("2.15.0a0+git1234567", "2.14.1"),
        ("2.15.3", "2.15.0"),
        ("3.0", "2.15.0"),
        ("1.13.1", MEASURED[0]),
        ("a version", MEASURED[0]),
    ],
)
def test_the_nearest_lower_version_holds(torch: str, known: str) -> None:
    """A build counts as its version, what comes before a release does not, and below all the oldest must do."""
    assert measured(torch) == known
    assert stand_in(torch) == ("" if order(torch) == order(known) else known)


def test_without_a_version_the_base_holds() -> None:
    """A tape that does not say which torch recorded it is read as the version the table was written with."""
    assert (measured(""), stand_in("")) == (BASE, "")


def test_every_version_has_its_formulas() -> None:
    """The versions of formulas.json and of the rows that changed are those that were measured, and in their order."""
    loaded = json.loads(files("gradb.rules").joinpath("formulas.json").read_text(encoding="utf-8"))
    assert {loaded["torch"], *loaded["versions"]} == set(MEASURED)
    assert loaded["torch"] == BASE
    assert list(MEASURED) == sorted(MEASURED, key=order)
    since = [version for version, _ in CHANGED]
    assert since == sorted(since, key=order)
    assert set(since) <= set(MEASURED)
    assert {rule.node for _, rules in CHANGED for rule in rules} <= set(RULES)


@pytest.mark.parametrize(
    ("node", "torch", "said"),
    [
        ("ClampMinBackward0", "2.13.0", "self >= min"),
        ("ClampMinBackward0", "2.14.1", "self > min"),
        ("CholeskyBackward0", "2.13.0", "cholesky_backward"),
        ("CholeskyBackward0", "2.15.0", ""),
        ("SpecialBesselJ0Backward0", "2.14.1", ""),
        ("SpecialBesselJ0Backward0", "2.15.0", "special_bessel_j1"),
        ("FmaxBackward0", "2.15.0", "other.isnan()"),
    ],
)
def test_pytorchs_formula_is_that_of_the_version(node: str, torch: str, said: str) -> None:
    """Formulas that changed, went or came are shown as they were in the version that recorded the tape."""
    found = formula_for(node, "self", torch)
    assert said in found
    assert bool(said) is bool(found)


@pytest.mark.parametrize(
    ("torch", "formula", "condition"),
    [
        ("2.13.0", "1 where 0 ≤ x ≤ 1, else 0", "at the bounds themselves PyTorch takes 1"),
        ("2.14.1", "1 where 0 < x < 1, else 0", "at the bounds themselves PyTorch takes 0"),
        ("2.15.0", "1 where 0 < x < 1, else 0", "at the bounds themselves PyTorch takes 0"),
    ],
)
def test_a_clamp_is_explained_as_that_version_computes_it(torch: str, formula: str, condition: str) -> None:
    """At its bounds a clamp passes the gradient in one version and stops it in another; words and numbers follow."""
    record = chain("ClampBackward1", "torch.clamp", [tensor("x", 0.0, 0.5)], [("", "%0"), ("", "0"), ("", "1")])
    explained = describe(replace(record, torch=torch), 0)
    assert (explained.local, explained.condition, explained.as_of) == (formula, condition, "")
    assert explained.predicted == ((1.0, 1.0) if torch == "2.13.0" else (0.0, 1.0))


def test_a_stand_in_is_named() -> None:
    """What is said of a version that was not measured says whose words they are."""
    record = chain("FmaxBackward0", "torch.fmax", [tensor("x", 1.0), tensor("z", 1.0)], [("", "%0"), ("", "%1")])
    explained = describe(replace(record, torch="2.16.0"), 0)
    assert explained.as_of == "2.15.0"
    assert explained.condition == "of a tie each gets one half; NaN loses against any number"
    assert lookup("FmaxBackward0", "", "2.16.0") is lookup("FmaxBackward0", "", "2.15.0")
    assert lookup("FmaxBackward0", "", "2.13.0") is RULES["Fmax"]
