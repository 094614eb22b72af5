"""Rules of the building blocks of networks: softmax, losses, normalisation, convolution, embedding, dropout.

Sources: the definitions in PyTorch's documentation of each op, differentiated by hand.
"""

from __future__ import annotations

from gradb.rules.model import Names, Part, Rule


def _mse(names: Names) -> str:
    return _reduced(names, "2·({self} - {target})")


def _reduced(names: Names, text: str) -> str:
    """Divide by n where the loss is a mean."""
    if "mean" in names["reduction"]:
        return text + "/{n}"
    return text if names["reduction"] in {"'sum'", "'none'"} else text + "/{n} (mean; without /{n} for a sum)"


_LOSS = ("self", "target", "weight")
_MEAN = {"reduction": "'mean'"}
_NLL = "only the score of the right class gets a gradient"
_CUT = "1/n with n the number of samples (or the sum of their weights) for a mean, 1 for a sum"
_NORM = "x̂ is the normalised input, (x - mean)/√(var + eps); mean and variance depend on every element too"


def _norm(node: str, over: str) -> Rule:
    return Rule(
        node,
        (
            Part("input", "({weight}/σ)·(δ - 1/N - x̂[i]·x̂[j]/N)", _NORM, over, "∂{out}[i]/∂{input}[j]"),
            Part("weight", "x̂", "the scale gets upstream times the normalised input, summed", over),
            Part("bias", "1", "the shift gets the sum of upstream", over),
        ),
        ("input", "normalized_shape", "weight", "bias"),
        ("layer_norm",) if node == "NativeLayerNorm" else (),
    )


NETWORK = (
    Rule(
        "Softmax",
        (
            Part(
                "self",
                "{out}[i]·(δ[i,j] - {out}[j])",
                "raising one score lowers all other probabilities; δ is 1 where i = j",
                where="∂{out}[i]/∂{self}[j]",
                product="{out}·(upstream - sum(upstream·{out}))",
            ),
        ),
        functions=("softmax",),
    ),
    Rule(
        "LogSoftmax",
        (
            Part(
                "self",
                "δ[i,j] - softmax({self})[j]",
                "δ is 1 where i = j, else 0",
                where="∂{out}[i]/∂{self}[j]",
                product="upstream - softmax({self})·sum(upstream)",
            ),
        ),
        functions=("log_softmax",),
        result="log_softmax({self})",
    ),
    Rule(
        "NllLoss@cross_entropy",
        (
            Part(
                "scores",
                "-w at the target class, else 0",
                _NLL,
                "w is " + _CUT,
                torch_name="self",
                name="log_softmax({input})",
            ),
        ),
        ("input", "target"),
        ("cross_entropy",),
        is_composite=True,
    ),
    Rule("NllLoss", (Part("self", "-w at the target class, else 0", _NLL, "w is " + _CUT),), _LOSS, ("nll_loss",)),
    Rule("NllLoss2D", (Part("self", "-w at the target class, else 0", _NLL, "w is " + _CUT),), _LOSS, ("nll_loss",)),
    Rule(
        "MseLoss",
        (
            Part("self", _mse, "twice the distance to the target, shared among the n elements"),
            Part("target", lambda names: "-" + _mse(names)),
        ),
        ("self", "target"),
        ("mse_loss",),
        defaults=_MEAN,
    ),
    Rule(
        "SmoothL1Loss",
        (
            Part(
                "self",
                "({self} - {target})/beta near the target, sign({self} - {target}) beyond",
                "",
                "near means closer than beta; divided by n for a mean",
            ),
        ),
        ("self", "target"),
        ("smooth_l1_loss",),
    ),
    Rule(
        "HuberLoss",
        (
            Part(
                "self",
                "{self} - {target} near the target, delta·sign({self} - {target}) beyond",
                "",
                "near means closer than delta; divided by n for a mean",
            ),
        ),
        ("self", "target"),
        ("huber_loss",),
    ),
    Rule(
        "BinaryCrossEntropy",
        (
            Part(
                "self",
                lambda n: _reduced(n, "({self} - {target})/({self}·(1 - {self}))"),
                "",
                "without weights; PyTorch keeps the denominator above 1e-12",
            ),
        ),
        _LOSS,
        ("binary_cross_entropy",),
        defaults=_MEAN,
    ),
    Rule(
        "BinaryCrossEntropyWithLogits",
        (
            Part(
                "self",
                lambda n: _reduced(n, "(σ({self}) - {target})"),
                "the predicted probability minus the target",
                "without weights",
            ),
        ),
        _LOSS,
        ("binary_cross_entropy_with_logits",),
        defaults=_MEAN,
    ),
    _norm("NativeLayerNorm", "N elements are normalised together; σ = √(var + eps)"),
    _norm(
        "NativeBatchNorm", "N elements share a channel's mean; σ = √(var + eps); in eval() mode only weight/σ remains"
    ),
    _norm("NativeGroupNorm", "N elements are normalised together; σ = √(var + eps)"),
    Rule(
        "Embedding",
        (
            Part(
                "weight",
                "1 for the rows looked up, else 0",
                "a row looked up several times gets the sum",
                "the row padding_idx gets 0",
                product="upstream added into the rows looked up",
            ),
        ),
        ("input", "weight"),
        ("embedding",),
    ),
    Rule(
        "Convolution",
        (
            Part(
                "input",
                "{weight}, at the offsets where the window covers the element",
                "each input element met every weight once",
                product="transposed convolution of upstream with {weight}",
            ),
            Part(
                "weight",
                "{input}, at the places the window stood",
                "each weight met many input elements",
                product="convolution of {input} with upstream",
            ),
            Part(
                "bias", "1", "the bias was added everywhere in its channel", product="upstream summed for each channel"
            ),
        ),
        ("input", "weight", "bias"),
        ("conv1d", "conv2d", "conv3d"),
    ),
    Rule(
        "MaxPool2DWithIndices",
        (Part("self", "1 at the largest of the window, else 0", "only the winner of each window gets a gradient"),),
        functions=("max_pool2d",),
    ),
    Rule(
        "AvgPool2D",
        (Part("self", "1/(size of the window)", "each element of a window counts the same"),),
        functions=("avg_pool2d",),
    ),
    Rule(
        "Mul@dropout",
        (Part("input", "1/(1 - {p}) where kept, 0 where dropped", "what was dropped gets no gradient"),),
        ("input", "p"),
        ("dropout",),
        defaults={"p": "0.5"},
    ),
    Rule(
        "NativeDropout",
        (Part("input", "1/(1 - {p}) where kept, 0 where dropped", "what was dropped gets no gradient"),),
        ("input", "p"),
        ("dropout", "native_dropout"),
        defaults={"p": "0.5"},
    ),
    Rule(
        "AccumulateGrad",
        (Part("variable", "1", "the end of the chain: the gradient is added to the leaf's .grad"),),
        (),
    ),
)
