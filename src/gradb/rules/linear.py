"""Rules of ops that move, add up or mix elements: reductions, matrix products, views, selections.

Matrices are written with indices, ``C[i,j]`` by ``A[i,k]``, and the product that the chain rule makes of it is given
beside. Sources: elementary matrix calculus; ties and provisos are PyTorch's (derivatives.yaml).
"""

from __future__ import annotations

from dataclasses import replace

from gradb.rules.model import Names, Part, Rule

_WEIGHT = "∂{out}/∂{self}[j]"
_SUM = "every element summed gets the whole upstream gradient"


def _one(node: str, part: Part, functions: str = "", *more: str) -> Rule:
    return Rule(node, (part,), ("self", *more), tuple(functions.split()) or (node.lower(),))


REDUCTIONS = (
    _one("Sum", Part("self", "1", _SUM, product="upstream, copied to each element that was summed")),
    _one(
        "Mean",
        Part(
            "self",
            "1/{n}",
            "each of the {n} averaged elements counts 1/{n}",
            product="upstream/{n}, copied to each element",
        ),
    ),
    _one("Prod", Part("self", "{out}/{self}[j]", "the product of all the others", "where no factor is 0", _WEIGHT)),
    _one(
        "Max",
        Part("self", "1 at the largest, else 0", "only the winner gets a gradient", "a tie is shared evenly", _WEIGHT),
    ),
    _one(
        "Min",
        Part("self", "1 at the smallest, else 0", "only the winner gets a gradient", "a tie is shared evenly", _WEIGHT),
    ),
    _one(
        "Amax",
        Part("self", "1 at the largest, else 0", "only the winner gets a gradient", "a tie is shared evenly", _WEIGHT),
    ),
    _one(
        "Amin",
        Part("self", "1 at the smallest, else 0", "only the winner gets a gradient", "a tie is shared evenly", _WEIGHT),
    ),
    _one(
        "Max0",
        Part(
            "self",
            "1 at the index returned, else 0",
            "only the winner gets a gradient",
            "of a tie only the one whose index was returned",
            _WEIGHT,
        ),
        "max",
    ),
    _one(
        "Min0",
        Part(
            "self",
            "1 at the index returned, else 0",
            "only the winner gets a gradient",
            "of a tie only the one whose index was returned",
            _WEIGHT,
        ),
        "min",
    ),
    _one(
        "Var",
        Part(
            "self",
            "2·({self}[j] - mean)/(N - correction)",
            "",
            "N elements are reduced; correction is 1 unless given",
            _WEIGHT,
        ),
    ),
    _one(
        "Std",
        Part(
            "self",
            "({self}[j] - mean)/((N - correction)·{out})",
            "",
            "N elements are reduced; correction is 1 unless given",
            _WEIGHT,
        ),
    ),
    _one(
        "LinalgVectorNorm",
        Part("self", "{self}[j]/{out}", "", "for the ordinary norm (ord=2); at 0 PyTorch takes 0", _WEIGHT),
        "vector_norm linalg_vector_norm",
    ),
    _one("Norm", Part("self", "{self}[j]/{out}", "", "for p=2; at 0 PyTorch takes 0", _WEIGHT)),
    _one("Logsumexp", Part("self", "softmax({self})[j]", where=_WEIGHT)),
    _one(
        "Cumsum",
        Part(
            "self",
            "1 where j ≤ i, else 0",
            "an element is part of every later sum",
            where="∂{out}[i]/∂{self}[j]",
            product="upstream, summed from the end",
        ),
    ),
)


def _bias(names: Names) -> str:
    return "1" if names["beta"] == "1" else "{beta}"


_MATRIX_A = "∂{out}[i,j]/∂{%s}[i,k]"
_MATRIX_B = "∂{out}[i,j]/∂{%s}[k,j]"


def _factor(names: Names, text: str) -> str:
    return text if names["alpha"] == "1" else "{alpha}·" + text


_ADDED = "a bias is added to every row, so it gets the sum of the upstream rows"
_BETA = {"beta": "1", "alpha": "1"}

_LINEAR = ("input", "weight", "bias")
_LINEAR_BIAS = Part("bias", "1", _ADDED, product="upstream, summed over the rows", torch_name="self")
_LINEAR_INPUT = Part(
    "input", "{weight}[j,k]", where=_MATRIX_A % "input", product="upstream @ {weight}", torch_name="mat1"
)
_LINEAR_WEIGHT = Part(
    "transposed",
    "{input}[i,k]",
    where=_MATRIX_B % "transposed",
    product="{input}.T @ upstream",
    torch_name="mat2",
    name="{weight}.T",
)

PRODUCTS = (
    Rule(
        "Mm",
        (
            Part("self", "{mat2}[k,j]", where=_MATRIX_A % "self", product="upstream @ {mat2}.T"),
            Part("mat2", "{self}[i,k]", where=_MATRIX_B % "mat2", product="{self}.T @ upstream"),
        ),
        ("self", "mat2"),
        ("mm", "matmul"),
    ),
    Rule(
        "Addmm",
        (
            Part("self", _bias, _ADDED, product="upstream, summed over the rows it was added to"),
            Part("mat1", lambda n: _factor(n, "{mat2}[k,j]"), where=_MATRIX_A % "mat1", product="upstream @ {mat2}.T"),
            Part("mat2", lambda n: _factor(n, "{mat1}[i,k]"), where=_MATRIX_B % "mat2", product="{mat1}.T @ upstream"),
        ),
        ("self", "mat1", "mat2", "beta", "alpha"),
        ("addmm",),
        defaults=_BETA,
    ),
    Rule(
        "Addmm@linear",
        (_LINEAR_BIAS, _LINEAR_INPUT, _LINEAR_WEIGHT),
        _LINEAR,
        ("linear",),
        is_composite=True,
    ),
    Rule(
        "Mm@linear",
        (replace(_LINEAR_INPUT, torch_name="self"), _LINEAR_WEIGHT),
        _LINEAR,
        ("linear",),
        is_composite=True,
    ),
    Rule(
        "Bmm",
        (
            Part(
                "self",
                "{mat2}[b,k,j]",
                where="∂{out}[b,i,j]/∂{self}[b,i,k]",
                product="upstream @ {mat2}.mT, batch by batch",
            ),
            Part(
                "mat2",
                "{self}[b,i,k]",
                where="∂{out}[b,i,j]/∂{mat2}[b,k,j]",
                product="{self}.mT @ upstream, batch by batch",
            ),
        ),
        ("self", "mat2"),
        ("bmm", "matmul"),
    ),
    Rule(
        "Baddbmm",
        (
            Part("self", _bias, _ADDED),
            Part(
                "batch1",
                lambda n: _factor(n, "{batch2}[b,k,j]"),
                where="∂{out}[b,i,j]/∂{batch1}[b,i,k]",
                product="upstream @ {batch2}.mT",
            ),
            Part(
                "batch2",
                lambda n: _factor(n, "{batch1}[b,i,k]"),
                where="∂{out}[b,i,j]/∂{batch2}[b,k,j]",
                product="{batch1}.mT @ upstream",
            ),
        ),
        ("self", "batch1", "batch2", "beta", "alpha"),
        ("baddbmm",),
        defaults=_BETA,
    ),
    Rule(
        "Mv",
        (
            Part("self", "{vec}[k]", where="∂{out}[i]/∂{self}[i,k]", product="outer(upstream, {vec})"),
            Part("vec", "{self}[i,k]", where="∂{out}[i]/∂{vec}[k]", product="{self}.T @ upstream"),
        ),
        ("self", "vec"),
        ("mv", "matmul"),
    ),
    Rule(
        "Addmv",
        (
            Part("self", _bias),
            Part(
                "mat", lambda n: _factor(n, "{vec}[k]"), where="∂{out}[i]/∂{mat}[i,k]", product="outer(upstream, {vec})"
            ),
            Part("vec", lambda n: _factor(n, "{mat}[i,k]"), where="∂{out}[i]/∂{vec}[k]", product="{mat}.T @ upstream"),
        ),
        ("self", "mat", "vec", "beta", "alpha"),
        ("addmv",),
        defaults=_BETA,
    ),
    Rule(
        "Dot",
        (
            Part("self", "{tensor}[j]", where=_WEIGHT, product="upstream·{tensor}"),
            Part("tensor", "{self}[j]", where="∂{out}/∂{tensor}[j]", product="upstream·{self}"),
        ),
        ("self", "tensor"),
        ("dot", "matmul", "vdot", "inner"),
    ),
)


def _moved(node: str, sentence: str, product: str = "", functions: str = "", condition: str = "") -> Rule:
    """Return the rule of an op that only puts elements elsewhere."""
    local = "1 where an element went, else 0"
    return _one(node, Part("self", local, sentence, condition, product=product), functions)


def _joined(node: str, functions: str) -> Rule:
    """Return the rule of an op that puts a list of tensors together."""
    part = Part(
        "tensors",
        "1 where an element went, else 0",
        "each piece gets its own part of upstream",
        product="the part of upstream that is this piece",
    )
    return Rule(node, (part,), ("tensors",), tuple(functions.split()), is_repeated=True)


_SHAPE = "the elements stay and only the shape changes: upstream takes the input's shape"
_BACK = "upstream in the input's shape"
_CUT = "what was picked out gets the gradient, the rest gets 0"
_PLACE = "zeros with upstream in the places picked"

MOVES = (
    Rule(
        "T",
        (
            Part(
                "self", "1 where an element went, else 0", "a transpose is undone by a transpose", product="upstream.T"
            ),
        ),
        functions=("t",),
        result="{self}.T",
    ),
    _moved("Transpose", "a transpose is undone by a transpose", "upstream with the two dimensions swapped back"),
    _moved(
        "Permute", "the order of the dimensions is undone", "upstream with the dimensions put back", "permute movedim"
    ),
    _moved("View", _SHAPE, _BACK, "view reshape flatten unflatten"),
    _moved("ReshapeAlias", _SHAPE, _BACK, "reshape flatten"),
    _moved("UnsafeView", _SHAPE, _BACK),
    _moved("Squeeze", _SHAPE, _BACK),
    _moved("Unsqueeze", _SHAPE, _BACK),
    _moved(
        "Expand",
        "a copied element gets the sum of its copies' gradients",
        "upstream, summed over the copies",
        "expand expand_as",
    ),
    _moved("Repeat", "a copied element gets the sum of its copies' gradients", "upstream, summed over the copies"),
    _moved("Select", _CUT, _PLACE, "select getitem"),
    _moved("Slice", _CUT, _PLACE, "getitem narrow"),
    _moved("Index", _CUT, _PLACE, "getitem index", "an element picked several times gets the sum"),
    _moved("IndexSelect", _CUT, _PLACE, "index_select", "an element picked several times gets the sum"),
    _moved("Gather", _CUT, _PLACE, "", "an element picked several times gets the sum"),
    _moved("MaskedSelect", _CUT, _PLACE, "masked_select"),
    _moved("Unbind", _CUT, "the upstream gradients of all pieces, stacked"),
    _moved("Split", _CUT, "the upstream gradients of all pieces, joined", "split chunk"),
    _moved("SplitWithSizes", _CUT, "the upstream gradients of all pieces, joined", "split"),
    _moved("Diagonal", _CUT, _PLACE),
    _moved("AsStrided", _CUT, _PLACE, "as_strided", "an element seen several times gets the sum"),
    _moved("Flip", "the order is undone", "upstream, flipped back"),
    _moved("Roll", "the order is undone", "upstream, rolled back"),
    _moved("Tril", "what was set to 0 gets no gradient", "the lower triangle of upstream"),
    _moved("Triu", "what was set to 0 gets no gradient", "the upper triangle of upstream"),
    _moved(
        "ConstantPadNd",
        "the padding came from nowhere and its gradient goes nowhere",
        "upstream without the padding",
        "pad",
    ),
    _joined("Cat", "cat concat concatenate"),
    _joined("Stack", "stack"),
    Rule(
        "CopySlices",
        (
            Part(
                "base",
                "1 outside of the view, inside of it that of the op that wrote",
                "an in-place write through a view: elsewhere the base passes its gradient on unchanged",
            ),
            Part("written", "that of the op done on the view", "what was written in"),
        ),
        (),
    ),
)

LINEAR = (*REDUCTIONS, *PRODUCTS, *MOVES)
