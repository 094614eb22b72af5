"""Which ops and nodes make each element of their result from the elements at the same place alone."""

from __future__ import annotations

from gradb.frame.origins import Origins
from gradb.tape.kinds.op import OpDetail


def names(text: str) -> frozenset[str]:
    """Return some names of ops."""
    return frozenset(text.split())


_NAMES = names(
    "abs acos acosh add addcdiv addcmul asin asinh atan atan2 atanh ceil celu clamp clamp_max clamp_min clip cos cosh"
    " deg2rad digamma div divide elu erf erfc erfinv exp exp2 expm1 float_power floor floor_divide fmod frac gelu"
    " hardsigmoid hardswish hardtanh hypot leaky_relu lerp lgamma log log10 log1p log2 log_ndtr logaddexp logaddexp2"
    " logit logsigmoid masked_fill maximum minimum mish mul multiply nan_to_num neg negative pow rad2deg reciprocal"
    " relu relu6 remainder round rsqrt rsub selu sigmoid silu sin sinc sinh softplus softsign sqrt square sub subtract"
    " tan tanh true_divide trunc where xlogy threshold"
)
_ALIASES = {"truediv": "div", "rtruediv": "div", "radd": "add", "rmul": "mul", "rpow": "pow", "iadd": "add"}
_ALIASES |= {"isub": "sub", "imul": "mul", "itruediv": "div", "ipow": "pow", "rdiv": "div", "arctan2": "atan2"}
_ALIASES |= {"true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub", "arccos": "acos"}
_ALIASES |= {"arcsin": "asin", "arctanh": "atanh", "arccosh": "acosh", "negative": "neg", "clip": "clamp"}
_ALIASES |= {
    "special_log_ndtr": "log_ndtr",
    "special_logit": "logit",
    "special_xlogy": "xlogy",
    "special_exp2": "exp2",
    "special_expm1": "expm1",
}
_NODES = {"logsigmoid": "logsigmoid", "logsigmoidbackward": "logsigmoid", "clampmax": "clamp", "clampmin": "clamp"}
_NODES |= {"speciallogndtr": "log_ndtr"}


def plain_name(function: str) -> str:
    """Return the op of a call, whatever form it was written in: ``Tensor.__rtruediv__``, ``torch.div`` are ``div``."""
    name = function.rpartition(".")[2].strip("_") if function else ""
    return _ALIASES.get(name, name)


def node_name(name: str) -> str:
    """Return the op of a node: ``SqrtBackward0`` is ``sqrt``."""
    name = name.partition("Backward")[0].lower()
    return _NODES.get(name, name)


def is_pointwise(origins: Origins, seq: int) -> bool:
    """Tell whether an event made each element from those at the same place."""
    event, detail = origins.event(seq), origins.detail(seq)
    if isinstance(detail, OpDetail):
        return plain_name(detail.function) in _NAMES
    return event.kind == "node" and node_name(event.name) in _NAMES
