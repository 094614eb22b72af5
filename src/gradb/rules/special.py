"""Rules of further elementwise functions: hyperbolic inverses, the error and gamma functions, Bessel functions.

Sources: elementary calculus and Abramowitz and Stegun; the values at the edges are PyTorch's and are tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradb.rules.elementwise import STAIRCASE, sign
from gradb.rules.model import Numbers, Part, Rule
from gradb.rules.numeric import bessel, digamma, inverse, normal_density, normal_share, polygamma

Slope = Callable[[Numbers], float]


def _special(
    node: str, local: str, sentence: str, slope: Slope, functions: str = "", *, condition: str = "",
    signature: str = "self", **defaults: str,
) -> Rule:  # fmt: skip
    part = Part("self", local, sentence, condition, derivative=slope)
    calls = tuple(functions.split()) or (node.lower(),)
    return Rule(node, (part,), tuple(signature.split()), calls, defaults=defaults)


def _sinc(v: Numbers) -> float:
    x = math.pi * v["self"]
    return (math.cos(x) - math.sin(x) / x) / v["self"] if x else 0.0


def _logit(v: Numbers) -> float:
    x, eps = v["self"], v.get("eps")
    if eps is not None:
        return 1 / (x * (1 - x)) if eps <= x <= 1 - eps else 0.0
    return math.nan if x < 0 or x > 1 else inverse(x * (1 - x))


def _root(x: float) -> float:
    return x**-0.5 if x > 0 else math.inf if x == 0 else math.nan


_MAX_TERMS = 100  # PyTorch wants self above (p - 1)/2: more terms have no value that was not a mistake


def _multigamma(v: Numbers) -> float:
    return math.fsum(digamma(v["self"] - k / 2) for k in range(min(int(v["p"]), _MAX_TERMS)))


def _i1(x: float) -> float:
    return bessel(0, x) - bessel(1, x) / x if x else 0.5


def _i1e(x: float) -> float:
    e = math.exp(-abs(x))
    return (_i1(x) - sign(x) * bessel(1, x)) * e


def _finite(v: Numbers) -> float:
    return float(math.isfinite(v["self"]))


_BELL = "steepest at 0 and flat far out, as the bell curve is"
_LOG_GAMMA = "ψ, the digamma function, is by definition the slope of ln Γ"
_ERF_INVERSE = "an inverse function has one over the slope of the function, which is a bell curve"

SPECIAL = (
    _special(
        "Asinh",
        "1/√({self}² + 1)",
        "close to 1 near 0, and like 1/|x| far out",
        lambda v: _root(v["self"] ** 2 + 1),
        "asinh arcsinh",
    ),
    _special(
        "Acosh",
        "1/√({self}² - 1)",
        "steep near 1, and like 1/x far out",
        lambda v: _root(v["self"] ** 2 - 1),
        "acosh arccosh",
        condition="for values above 1; infinite at 1",
    ),
    _special(
        "Atanh",
        "1/(1 - {self}²)",
        "the closer to -1 or 1, the steeper",
        lambda v: inverse(1 - v["self"] ** 2),
        "atanh arctanh",
        condition="for values between -1 and 1; infinite at both",
    ),
    _special(
        "Erfc",
        "-2/√π·e^(-{self}²)",
        f"erfc is 1 - erf: {_BELL}, with its sign turned",
        lambda v: -2 / math.sqrt(math.pi) * math.exp(-(v["self"] ** 2)),
        "erfc special_erfc",
    ),
    _special(
        "Erfinv",
        "√π/2·e^({out}²)",
        _ERF_INVERSE,
        lambda v: math.sqrt(math.pi) / 2 * math.exp(v["out"] ** 2),
        "erfinv special_erfinv",
        condition="for values between -1 and 1; infinite at both",
    ),
    _special(
        "SpecialErfcx",
        "2·{self}·{out} - 2/√π",
        "a product rule: erfcx(x) is e^(x²)·erfc(x)",
        lambda v: 2 * v["self"] * v["out"] - 2 / math.sqrt(math.pi),
        "erfcx special_erfcx",
    ),
    _special(
        "SpecialNdtri",
        "√(2π)·e^({out}²/2)",
        _ERF_INVERSE,
        lambda v: math.sqrt(2 * math.pi) * math.exp(v["out"] ** 2 / 2),
        "ndtri special_ndtri",
        condition="for values between 0 and 1",
    ),
    _special(
        "SpecialLogNdtr",
        "φ({self})/Φ({self})",
        "of a logarithm: the slope of what is inside over its value",
        lambda v: normal_density(v["self"]) / normal_share(v["self"]),
        "log_ndtr special_log_ndtr",
        condition="Φ is the share of a normal distribution below x, φ its density",
    ),
    _special(
        "SpecialEntr",
        "-ln({self}) - 1",
        "rare things gain more from becoming less rare: entr(x) is -x·ln x",
        lambda v: -math.log(v["self"]) - 1 if v["self"] > 0 else math.inf if v["self"] == 0 else math.nan,
        "entr special_entr",
        condition="for values above 0; infinite at 0",
    ),
    _special(
        "Lgamma",
        "ψ({self})",
        _LOG_GAMMA,
        lambda v: digamma(v["self"]),
        "lgamma gammaln special_gammaln",
        condition="undefined at 0, -1, -2 ...",
    ),
    _special(
        "Digamma",
        "ψ′({self})",
        "the trigamma function: Σk 1/(x + k)², always positive",
        lambda v: polygamma(1, v["self"]),
        "digamma psi special_digamma",
        condition="undefined at 0, -1, -2 ...",
    ),
    _special(
        "Polygamma",
        "ψ^({n} + 1)({self})",
        "polygamma(n) is the n-th derivative of ψ, so its slope is the next one",
        lambda v: polygamma(int(v["n"]) + 1, v["self"]),
        "polygamma special_polygamma",
        signature="n self",
    ),
    _special(
        "Mvlgamma",
        "Σk ψ({self} - k/2), k < {p}",
        "a sum of ln Γ: each term has ψ as its slope",
        _multigamma,
        "mvlgamma multigammaln special_multigammaln",
        signature="self p",
    ),
    _special(
        "Logit",
        "1/({self}·(1 - {self}))",
        "the inverse of sigmoid: one over its slope, steep near 0 and 1",
        _logit,
        "logit special_logit",
        signature="self eps",
        condition="infinite at 0 and 1; with eps it is 0 outside of eps to 1 - eps",
        eps="None",
    ),
    _special(
        "Sinc",
        "(cos(π·{self}) - {out})/{self}",
        "a quotient rule: sinc(x) is sin(πx)/(πx)",
        _sinc,
        "sinc special_sinc",
        condition="at 0, where 0 is divided by 0, PyTorch takes 0",
    ),
    _special(
        "I0",
        "I₁({self})",
        "the slope of one Bessel function is the next",
        lambda v: bessel(1, v["self"]),
        "i0 special_i0",
    ),
    _special(
        "SpecialI1",
        "I₀({self}) - I₁({self})/{self}",
        "the slope of a Bessel function comes from its neighbours",
        lambda v: _i1(v["self"]),
        "i1 special_i1",
        condition="1/2 at 0",
    ),
    _special(
        "SpecialI0E",
        "e^(-|{self}|)·(I₁({self}) - sign({self})·I₀({self}))",
        "a product rule: i0e(x) is e^(-|x|)·I₀(x)",
        lambda v: math.exp(-abs(v["self"])) * (bessel(1, v["self"]) - sign(v["self"]) * bessel(0, v["self"])),
        "i0e special_i0e",
    ),
    _special(
        "SpecialI1E",
        "e^(-|{self}|)·(I₁′({self}) - sign({self})·I₁({self}))",
        "a product rule: i1e(x) is e^(-|x|)·I₁(x)",
        lambda v: _i1e(v["self"]),
        "i1e special_i1e",
    ),
    _special(
        "Frac",
        "1",
        "only the whole part was taken off, and that is flat: the gradient passes unchanged",
        lambda v: 1.0,
        condition="at whole numbers, where it jumps, too",
    ),
    _special("Deg2Rad", "π/180", "a change of unit: one number for every element", lambda v: math.pi / 180, "deg2rad"),
    _special("Rad2Deg", "180/π", "a change of unit: one number for every element", lambda v: 180 / math.pi, "rad2deg"),
    _special(
        "NanToNum", "1 where {self} is finite, else 0", "what was replaced gets no gradient", _finite, "nan_to_num"
    ),
    _special("Round1", "0", STAIRCASE, lambda v: 0.0, "round", signature="self decimals"),
)
