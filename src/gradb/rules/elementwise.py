"""Rules of elementwise ops: the local derivative is one number for each element (a diagonal Jacobian).

Sources: elementary calculus; the values at kinks and ties are PyTorch's, from derivatives.yaml, and are tested against
torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradb.rules.model import Names, Numbers, Part, Rule, Template
from gradb.rules.numeric import inverse, normal_density, normal_share, sigmoid

_Fn = Callable[[float], float]


def _unary(
    node: str, local: Template, derivative: _Fn, *, condition: str = "", sentence: str = "", functions: str = ""
) -> Rule:
    """Return the rule of an op of one input and no other argument."""
    part = Part("self", local, sentence, condition, derivative=lambda v: derivative(v["self"]))
    return Rule(node, (part,), functions=tuple(functions.split()) or (node.lower(),))


def _root_inverse(x: float) -> float:
    if x < 0:
        return math.nan
    return 1 / (2 * math.sqrt(x)) if x else math.inf


def sign(x: float) -> float:
    """Return 1, 0 or -1."""
    return (x > 0) - (x < 0)


STAIRCASE = "the result is a staircase: flat wherever it has a derivative, so nothing flows back"

UNARY = (
    _unary("Neg", "-1", lambda x: -1.0, functions="neg negative", sentence="the sign is turned"),
    _unary("Exp", "e^{self}", math.exp, sentence="e^x is its own derivative"),
    _unary(
        "Exp2",
        "ln(2)·2^{self}",
        lambda x: math.log(2) * 2.0**x,
        sentence="e^x is its own derivative; another base brings its logarithm as a factor",
    ),
    _unary("Expm1", "e^{self}", math.exp, sentence="e^x is its own derivative, and the 1 taken off does not matter"),
    _unary(
        "Log",
        "1/{self}",
        inverse,
        condition="infinite at 0",
        sentence="the larger the value, the less the logarithm moves: one over it",
    ),
    _unary(
        "Log2",
        "1/({self}·ln 2)",
        lambda x: inverse(x * math.log(2)),
        condition="infinite at 0",
        sentence="the larger the value, the less the logarithm moves: one over it, in units of ln 2",
    ),
    _unary(
        "Log10",
        "1/({self}·ln 10)",
        lambda x: inverse(x * math.log(10)),
        condition="infinite at 0",
        sentence="the larger the value, the less the logarithm moves: one over it, in units of ln 10",
    ),
    _unary(
        "Log1P",
        "1/(1 + {self})",
        lambda x: inverse(1 + x),
        condition="infinite at -1",
        sentence="of a logarithm: one over what is inside",
    ),
    _unary(
        "Sqrt",
        "1/(2·√{self})",
        _root_inverse,
        condition="infinite at 0",
        sentence="a root is steep near 0 and flattens out",
    ),
    _unary(
        "Rsqrt",
        "-1/(2·{self}^(3/2))",
        lambda x: -0.5 * x**-1.5,
        condition="for values above 0",
        sentence="one over a root falls, steeply near 0",
    ),
    _unary(
        "Reciprocal",
        "-1/{self}²",
        lambda x: -1 / (x * x),
        condition="infinite at 0",
        sentence="1/x falls everywhere, steeply near 0",
    ),
    _unary(
        "Abs",
        "sign({self})",
        sign,
        condition="at 0, where |x| has a kink, PyTorch takes 0",
        sentence="1 where the value is positive, -1 where it is negative",
    ),
    _unary("Sin", "cos({self})", math.cos, sentence="the slope of a sine is the cosine"),
    _unary("Cos", "-sin({self})", lambda x: -math.sin(x), sentence="the slope of a cosine is minus the sine"),
    _unary(
        "Tan",
        "1 + tan({self})²",
        lambda x: 1 + math.tan(x) ** 2,
        sentence="at least 1, and without limit towards ±π/2, where tan jumps",
    ),
    _unary(
        "Asin",
        "1/√(1 - {self}²)",
        lambda x: (1 - x * x) ** -0.5,
        condition="for values between -1 and 1",
        sentence="an inverse function has one over the slope of the function: steep near ±1",
    ),
    _unary(
        "Acos",
        "-1/√(1 - {self}²)",
        lambda x: -((1 - x * x) ** -0.5),
        condition="for values between -1 and 1",
        sentence="as for asin, with the sign turned: the two add up to π/2",
    ),
    _unary("Atan", "1/(1 + {self}²)", lambda x: 1 / (1 + x * x), sentence="1 at 0 and flat far out"),
    _unary("Sinh", "cosh({self})", math.cosh, sentence="the slope of sinh is cosh: never below 1"),
    _unary("Cosh", "sinh({self})", math.sinh, sentence="the slope of cosh is sinh"),
    _unary("Tanh", "1 - tanh({self})²", lambda x: 1 - math.tanh(x) ** 2, sentence="1 - out²: flat where |x| is large"),
    _unary(
        "Erf",
        "2/√π·e^(-{self}²)",
        lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x),
        sentence="steepest at 0 and flat far out: the slope of erf is a bell curve",
    ),
    _unary(
        "Sigmoid",
        "σ({self})·(1 - σ({self}))",
        lambda x: sigmoid(x) * (1 - sigmoid(x)),
        sentence="out·(1 - out): at most 1/4, and flat where |x| is large",
    ),
    _unary(
        "LogSigmoid",
        "1 - σ({self})",
        lambda x: sigmoid(-x),
        sentence="close to 1 where the value is negative, dying away where it is positive",
        functions="logsigmoid log_sigmoid",
    ),
    _unary(
        "Relu",
        "1 where {self} > 0, else 0",
        lambda x: 1.0 if x > 0 else 0.0,
        condition="at 0, where relu has a kink, PyTorch takes 0",
        sentence="a gate: the gradient passes where the value was positive and is stopped elsewhere",
    ),
    _unary(
        "Silu",
        "σ({self})·(1 + {self}·(1 - σ({self})))",
        lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
        sentence="a product rule: silu(x) is x·σ(x)",
    ),
    _unary("Sign", "0", lambda x: 0.0, sentence=STAIRCASE),
    _unary("Floor", "0", lambda x: 0.0, sentence=STAIRCASE),
    _unary("Ceil", "0", lambda x: 0.0, sentence=STAIRCASE),
    _unary("Round", "0", lambda x: 0.0, sentence=STAIRCASE),
    _unary("Trunc", "0", lambda x: 0.0, sentence=STAIRCASE, functions="trunc fix"),
)


# --- ops of one input and further arguments ---------------------------------------------------------------------------


def _gelu(v: Numbers) -> float:
    x = v["self"]
    return normal_share(x) + x * normal_density(x)


def _gelu_tanh(v: Numbers) -> float:
    x, a = v["self"], math.sqrt(2 / math.pi)
    t = math.tanh(a * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * a * (1 + 3 * 0.044715 * x * x)


def _gelu_text(names: Names) -> str:
    if "tanh" in names["approximate"]:
        return "(1 + t)/2 + {self}·(1 - t²)·u′/2"
    return "Φ({self}) + {self}·φ({self})"


def _gelu_note(names: Names) -> str:
    if "tanh" in names["approximate"]:
        return "t = tanh(u), u = √(2/π)·({self} + 0.044715·{self}³): near to the exact one, to three digits"
    return "Φ is the share of a normal distribution below x, φ its density"


def _is_set(text: str) -> bool:
    return text not in {"None", ""}


def clamp_text(names: Names, sign: str = "≤") -> str:
    """Return the slope of a clamp in words, with the bounds that were given."""
    low, high = _is_set(names.get("min", "")), _is_set(names.get("max", ""))
    left = f"{{min}} {sign} " if low else ""
    right = f" {sign} {{max}}" if high else ""
    return f"1 where {left}{{self}}{right}, else 0" if low or high else "1"


def _clamp(v: Numbers) -> float:
    return float(v.get("min", -math.inf) <= v["self"] <= v.get("max", math.inf))


_CLAMP_NOTE = "at the bounds themselves PyTorch takes 1"
CLAMP_ABOUT = "a gate: the gradient passes inside the bounds and is stopped outside"


def _softplus(v: Numbers) -> float:
    scaled = v["self"] * v["beta"]
    return 1.0 if scaled > v["threshold"] else sigmoid(scaled)


SCALED = (
    Rule(
        "LeakyRelu",
        (
            Part(
                "self",
                "1 where {self} > 0, else {negative_slope}",
                "a gate that is not quite shut: a negative value passes a small part of the gradient",
                condition="at 0 PyTorch takes the slope of the negative side",
                derivative=lambda v: 1.0 if v["self"] > 0 else v["negative_slope"],
            ),
        ),
        ("self", "negative_slope"),
        ("leaky_relu",),
        defaults={"negative_slope": "0.01"},
    ),
    Rule(
        "Elu",
        (
            Part(
                "self",
                "1 where {self} > 0, else {alpha}·e^{self}",
                "slope 1 on the right, dying away on the left",
                condition="at 0 PyTorch takes the value of the negative side",
                derivative=lambda v: 1.0 if v["self"] > 0 else v["alpha"] * math.exp(v["self"]),
            ),
        ),
        ("self", "alpha"),
        ("elu",),
        defaults={"alpha": "1.0"},
        is_strict=True,
    ),
    Rule(
        "Gelu",
        (
            Part(
                "self",
                _gelu_text,
                "a product rule: gelu(x) is x times the chance that a normal number is below x",
                _gelu_note,
                derivative=lambda v: _gelu_tanh(v) if v.get("approximate") else _gelu(v),
            ),
        ),
        ("self", "approximate"),
        ("gelu",),
        defaults={"approximate": "'none'"},
    ),
    Rule(
        "Softplus",
        (
            Part(
                "self",
                "σ({beta}·{self})",
                "a smooth relu: its slope goes from 0 to 1 as a sigmoid",
                condition="1 where {beta}·{self} > {threshold}: there PyTorch goes over to the straight line",
                derivative=_softplus,
            ),
        ),
        ("self", "beta", "threshold"),
        ("softplus",),
        defaults={"beta": "1", "threshold": "20"},
    ),
    Rule(
        "Hardtanh",
        (
            Part(
                "self",
                "1 where {min_val} < {self} < {max_val}, else 0",
                CLAMP_ABOUT,
                "at the bounds themselves PyTorch takes 0",
                derivative=lambda v: float(v["min_val"] < v["self"] < v["max_val"]),
            ),
        ),
        ("self", "min_val", "max_val"),
        ("hardtanh",),
        defaults={"min_val": "-1.0", "max_val": "1.0"},
    ),
    Rule(
        "Clamp",
        (Part("self", clamp_text, CLAMP_ABOUT, _CLAMP_NOTE, derivative=_clamp),),
        ("self", "min", "max"),
        ("clamp", "clip"),
        defaults={"min": "None", "max": "None"},
    ),
    Rule(
        "ClampMin",
        (Part("self", "1 where {self} ≥ {min}, else 0", CLAMP_ABOUT, _CLAMP_NOTE, derivative=_clamp),),
        ("self", "min"),
        ("clamp_min",),
    ),
    Rule(
        "ClampMax",
        (Part("self", "1 where {self} ≤ {max}, else 0", CLAMP_ABOUT, _CLAMP_NOTE, derivative=_clamp),),
        ("self", "max"),
        ("clamp_max",),
    ),
    Rule(
        "MaskedFill",
        (
            Part(
                "self",
                "0 where {mask}, else 1",
                "what was overwritten gets no gradient",
                derivative=lambda v: 0.0 if v["mask"] else 1.0,
            ),
        ),
        ("self", "mask", "value"),
        ("masked_fill",),
    ),
)
