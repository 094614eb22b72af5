"""Rules of matrix products: what each factor gets is upstream times the other factor, transposed.

Matrices are written with indices, ``C[i,j]`` by ``A[i,k]``, and the product that the chain rule makes of it is given
beside. Source: elementary matrix calculus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gradb.rules.arguments import Given
from gradb.rules.kernels import Entries, Entry, broadcast, contracted, groups, places
from gradb.rules.model import Names, Part, Rule, Template

_EACH = "of a product, each factor gets upstream times the other factor"
_ROWS = "upstream, summed over the rows it was added to"
_PLACES = "upstream, summed over the places it was added to"
_BATCHES = (("batch1", "bik"), ("batch2", "bkj"))


def _scaled(role: str, text: str) -> Template:
    """Return the text with a factor (``alpha``, ``beta``) in front where that is not 1."""

    def local(names: Names) -> str:
        if names[role] in {"1", "1.0"}:
            return text
        return f"{{{role}}}" if text == "1" else f"{{{role}}}·{text}"

    return local


Factor = tuple[str, str]
"""A factor's role and its indices: ``("self", "ik")``."""


def _product(
    node: str, factors: tuple[Factor, Factor], out: str, products: tuple[str, str], functions: tuple[str, ...]
) -> Rule:
    """Return the rule of a sum over the indices that ``out`` lacks; ``products`` are what each factor gets."""
    first, second = factors
    parts = (_factor(first, second, out, products[0]), _factor(second, first, out, products[1]))
    return Rule(node, parts, (first[0], second[0]), functions)


def _added(node: str, factors: tuple[Factor, Factor], out: str, products: tuple[str, str], bias: str = _ROWS) -> Rule:
    """Return the rule of such a product, times ``alpha``, added to ``beta`` times something."""
    first, second = factors
    parts = (
        _bias(bias),
        _factor(first, second, out, products[0], "alpha"),
        _factor(second, first, out, products[1], "alpha"),
    )
    arguments = ("self", first[0], second[0], "beta", "alpha")
    return Rule(node, parts, arguments, (node.lower(),), defaults={"beta": "1", "alpha": "1"})


def _factor(factor: Factor, other: Factor, out: str, product: str, scale: str = "") -> Part:
    (role, mine), (name, others) = factor, other
    local = f"{{{name}}}{_at(others)}"
    return Part(
        role,
        _scaled(scale, local) if scale else local,
        _EACH,
        where=f"∂{{out}}{_at(out)}/∂{{{role}}}{_at(mine)}",
        product=_scaled(scale, product) if scale else product,
        entries=contracted(mine, out, scale, **{name: others}),
    )


def _at(indices: str) -> str:
    return f"[{','.join(indices)}]" if indices else ""


def _bias(product: str) -> Part:
    sentence = "what is added gets the gradient of every place it was added to, summed"
    return Part(
        "self",
        _scaled("beta", "1"),
        sentence,
        product=_scaled("beta", product),
        entries=broadcast(lambda given: given.number("beta")),
    )


PLAIN = (
    _product(
        "Mm", (("self", "ik"), ("mat2", "kj")), "ij", ("upstream @ {mat2}.T", "{self}.T @ upstream"),
        ("mm", "matmul", "rmatmul"),
    ),
    _product(
        "Bmm", (("self", "bik"), ("mat2", "bkj")), "bij",
        ("upstream @ {mat2}.mT, batch by batch", "{self}.mT @ upstream, batch by batch"), ("bmm", "matmul"),
    ),
    _product(
        "Mv", (("self", "ik"), ("vec", "k")), "i", ("outer(upstream, {vec})", "{self}.T @ upstream"), ("mv", "matmul")
    ),
    _product(
        "Dot", (("self", "j"), ("tensor", "j")), "", ("upstream·{tensor}", "upstream·{self}"),
        ("dot", "matmul", "inner"),
    ),
    _product("Vdot", (("self", "j"), ("other", "j")), "", ("upstream·{other}", "upstream·{self}"), ("vdot",)),
)  # fmt: skip

ADDED = (
    _added("Addmm", (("mat1", "ik"), ("mat2", "kj")), "ij", ("upstream @ {mat2}.T", "{mat1}.T @ upstream")),
    _added("Baddbmm", _BATCHES, "bij", ("upstream @ {batch2}.mT", "{batch1}.mT @ upstream")),
    _added("Addbmm", _BATCHES, "ij", ("upstream @ {batch2}.mT", "{batch1}.mT @ upstream")),
    _added("Addmv", (("mat", "ik"), ("vec", "k")), "i", ("outer(upstream, {vec})", "{mat}.T @ upstream"), _PLACES),
    _added("Addr", (("vec1", "i"), ("vec2", "j")), "ij", ("upstream @ {vec2}", "upstream.T @ {vec1}"), _PLACES),
)

# --- a linear layer ---------------------------------------------------------------------------------------------------

_LINEAR = ("input", "weight", "bias")
_LINEAR_BIAS = Part(
    "bias",
    "1",
    "a bias is added to every row, so it gets the sum of the upstream rows",
    product="upstream, summed over the rows",
    torch_name="self",
    entries=broadcast(),
)
_LINEAR_INPUT = Part(
    "input",
    "{weight}[j,k]",
    _EACH,
    where="∂{out}[i,j]/∂{input}[i,k]",
    product="upstream @ {weight}",
    torch_name="mat1",
    entries=contracted("ik", "ij", weight="jk"),
)
_LINEAR_WEIGHT = Part(
    "transposed",
    "{input}[i,k]",
    _EACH,
    where="∂{out}[i,j]/∂{transposed}[k,j]",
    product="{input}.T @ upstream",
    torch_name="mat2",
    name="{weight}.T",
    entries=contracted("kj", "ij", input="ik"),
)

LAYER = (
    Rule("Addmm@linear", (_LINEAR_BIAS, _LINEAR_INPUT, _LINEAR_WEIGHT), _LINEAR, ("linear",), is_composite=True),
    Rule(
        "Mm@linear",
        (replace(_LINEAR_INPUT, torch_name="self"), _LINEAR_WEIGHT),
        _LINEAR,
        ("linear",),
        is_composite=True,
    ),
)


# --- the cross product ------------------------------------------------------------------------------------------------


def _crossed(other: str, turn: int) -> Entries:
    """Element i of a cross product is u[i+1]·v[i+2] - u[i+2]·v[i+1], counted round."""

    def entries(given: Given) -> Iterator[Entry]:
        shape, array = given.out.shape, given.array(other)
        mine, factor = places(given.input.shape, shape), [array.numbers[at] for at in places(array.shape, shape)]
        for around in groups(shape, [given.dim_of(shape)]):
            for i in range(3):
                a, b = around[(i + 1) % 3], around[(i + 2) % 3]
                yield around[i], mine[a], turn * factor[b]
                yield around[i], mine[b], -turn * factor[a]

    return entries


_CROSS = "turning the other vector: the gradient is a cross product too"
CROSS = (
    Rule(
        "LinalgCross",
        (
            Part(
                "self",
                "±{other}[k]",
                _CROSS,
                where="∂{out}[i]/∂{self}[j]",
                product="{other} × upstream",
                entries=_crossed("other", 1),
                condition="+ where i, j, k are in order round, - against it, 0 where i = j",
            ),
            Part(
                "other",
                "±{self}[k]",
                _CROSS,
                where="∂{out}[i]/∂{other}[j]",
                product="upstream × {self}",
                entries=_crossed("self", -1),
                condition="- where i, j, k are in order round, + against it, 0 where i = j",
            ),
        ),
        ("self", "other", "dim"),
        ("cross", "linalg_cross"),
        defaults={"dim": "-1"},
    ),
)

PRODUCTS = (*PLAIN, *ADDED, *LAYER, *CROSS)
