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


def _scaled(role: str, text: str) -> Template:
    """Return the text with a factor (``alpha``, ``beta``) in front where that is not 1."""

    def local(names: Names) -> str:
        if names[role] in {"1", "1.0"}:
            return text
        return f"{{{role}}}" if text == "1" else f"{{{role}}}·{text}"

    return local


def _factor(role: str, local: Template, where: str, product: Template, entries: Entries) -> Part:
    return Part(role, local, _EACH, where=where, product=product, entries=entries)


def _added(given: Given) -> float:
    return given.number("beta")


def _bias(product: str = "upstream, summed over the rows it was added to") -> Part:
    sentence = "what is added gets the gradient of every place it was added to, summed"
    return Part(
        "self",
        _scaled("beta", "1"),
        sentence,
        product=_scaled("beta", product),
        entries=broadcast(lambda g: g.number("beta")),
    )


_BETA = {"beta": "1", "alpha": "1"}
_A_BY, _B_BY = "∂{out}[i,j]/∂{%s}[i,k]", "∂{out}[i,j]/∂{%s}[k,j]"

# --- two factors ------------------------------------------------------------------------------------------------------

_PAIR = ("self", "mat2")
_TENSORS = ("self", "tensor")


def _dot(node: str, other: str, functions: tuple[str, ...]) -> Rule:
    return Rule(
        node,
        (
            _factor(
                "self",
                f"{{{other}}}[j]",
                "∂{out}/∂{self}[j]",
                f"upstream·{{{other}}}",
                contracted("j", "", **{other: "j"}),
            ),
            _factor(other, "{self}[j]", f"∂{{out}}/∂{{{other}}}[j]", "upstream·{self}", contracted("j", "", self="j")),
        ),
        ("self", other),
        functions,
    )


PLAIN = (
    Rule(
        "Mm",
        (
            _factor("self", "{mat2}[k,j]", _A_BY % "self", "upstream @ {mat2}.T", contracted("ik", "ij", mat2="kj")),
            _factor("mat2", "{self}[i,k]", _B_BY % "mat2", "{self}.T @ upstream", contracted("kj", "ij", self="ik")),
        ),
        _PAIR,
        ("mm", "matmul", "rmatmul"),
    ),
    Rule(
        "Bmm",
        (
            _factor(
                "self",
                "{mat2}[b,k,j]",
                "∂{out}[b,i,j]/∂{self}[b,i,k]",
                "upstream @ {mat2}.mT, batch by batch",
                contracted("bik", "bij", mat2="bkj"),
            ),
            _factor(
                "mat2",
                "{self}[b,i,k]",
                "∂{out}[b,i,j]/∂{mat2}[b,k,j]",
                "{self}.mT @ upstream, batch by batch",
                contracted("bkj", "bij", self="bik"),
            ),
        ),
        _PAIR,
        ("bmm", "matmul"),
    ),
    Rule(
        "Mv",
        (
            _factor(
                "self", "{vec}[k]", "∂{out}[i]/∂{self}[i,k]", "outer(upstream, {vec})", contracted("ik", "i", vec="k")
            ),
            _factor(
                "vec", "{self}[i,k]", "∂{out}[i]/∂{vec}[k]", "{self}.T @ upstream", contracted("k", "i", self="ik")
            ),
        ),
        ("self", "vec"),
        ("mv", "matmul"),
    ),
    _dot("Dot", "tensor", ("dot", "matmul", "inner")),
    _dot("Vdot", "other", ("vdot",)),
)

# --- a product added to something -------------------------------------------------------------------------------------

ADDED = (
    Rule(
        "Addmm",
        (
            _bias(),
            _factor(
                "mat1",
                _scaled("alpha", "{mat2}[k,j]"),
                _A_BY % "mat1",
                _scaled("alpha", "upstream @ {mat2}.T"),
                contracted("ik", "ij", "alpha", mat2="kj"),
            ),
            _factor(
                "mat2",
                _scaled("alpha", "{mat1}[i,k]"),
                _B_BY % "mat2",
                _scaled("alpha", "{mat1}.T @ upstream"),
                contracted("kj", "ij", "alpha", mat1="ik"),
            ),
        ),
        ("self", "mat1", "mat2", "beta", "alpha"),
        ("addmm",),
        defaults=_BETA,
    ),
    Rule(
        "Baddbmm",
        (
            _bias(),
            _factor(
                "batch1",
                _scaled("alpha", "{batch2}[b,k,j]"),
                "∂{out}[b,i,j]/∂{batch1}[b,i,k]",
                _scaled("alpha", "upstream @ {batch2}.mT"),
                contracted("bik", "bij", "alpha", batch2="bkj"),
            ),
            _factor(
                "batch2",
                _scaled("alpha", "{batch1}[b,i,k]"),
                "∂{out}[b,i,j]/∂{batch2}[b,k,j]",
                _scaled("alpha", "{batch1}.mT @ upstream"),
                contracted("bkj", "bij", "alpha", batch1="bik"),
            ),
        ),
        ("self", "batch1", "batch2", "beta", "alpha"),
        ("baddbmm",),
        defaults=_BETA,
    ),
    Rule(
        "Addbmm",
        (
            _bias(),
            _factor(
                "batch1",
                _scaled("alpha", "{batch2}[b,k,j]"),
                "∂{out}[i,j]/∂{batch1}[b,i,k]",
                _scaled("alpha", "upstream @ {batch2}.mT"),
                contracted("bik", "ij", "alpha", batch2="bkj"),
            ),
            _factor(
                "batch2",
                _scaled("alpha", "{batch1}[b,i,k]"),
                "∂{out}[i,j]/∂{batch2}[b,k,j]",
                _scaled("alpha", "{batch1}.mT @ upstream"),
                contracted("bkj", "ij", "alpha", batch1="bik"),
            ),
        ),
        ("self", "batch1", "batch2", "beta", "alpha"),
        ("addbmm",),
        defaults=_BETA,
    ),
    Rule(
        "Addmv",
        (
            _bias("upstream, summed over the places it was added to"),
            _factor(
                "mat",
                _scaled("alpha", "{vec}[k]"),
                "∂{out}[i]/∂{mat}[i,k]",
                _scaled("alpha", "outer(upstream, {vec})"),
                contracted("ik", "i", "alpha", vec="k"),
            ),
            _factor(
                "vec",
                _scaled("alpha", "{mat}[i,k]"),
                "∂{out}[i]/∂{vec}[k]",
                _scaled("alpha", "{mat}.T @ upstream"),
                contracted("k", "i", "alpha", mat="ik"),
            ),
        ),
        ("self", "mat", "vec", "beta", "alpha"),
        ("addmv",),
        defaults=_BETA,
    ),
    Rule(
        "Addr",
        (
            _bias("upstream, summed over the places it was added to"),
            _factor(
                "vec1",
                _scaled("alpha", "{vec2}[j]"),
                "∂{out}[i,j]/∂{vec1}[i]",
                _scaled("alpha", "upstream @ {vec2}"),
                contracted("i", "ij", "alpha", vec2="j"),
            ),
            _factor(
                "vec2",
                _scaled("alpha", "{vec1}[i]"),
                "∂{out}[i,j]/∂{vec2}[j]",
                _scaled("alpha", "upstream.T @ {vec1}"),
                contracted("j", "ij", "alpha", vec1="i"),
            ),
        ),
        ("self", "vec1", "vec2", "beta", "alpha"),
        ("addr",),
        defaults=_BETA,
    ),
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
    where=_A_BY % "input",
    product="upstream @ {weight}",
    torch_name="mat1",
    entries=contracted("ik", "ij", weight="jk"),
)
_LINEAR_WEIGHT = Part(
    "transposed",
    "{input}[i,k]",
    _EACH,
    where=_B_BY % "transposed",
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
