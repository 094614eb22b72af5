"""G112, G113, G114, G118: tensors given to what does not take them: NumPy, optimizers, deepcopy."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import Scene
from gradb.diagnosis.errors.source import assignment, expression, whole_segment
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.tensor import Tensor

_NUMPY, _NON_LEAF, _EMPTY, _COPY = "G112", "G113", "G114", "G118"
_TO_NUMPY = "Can't call numpy() on Tensor that requires grad"
_OPTIMIZE = "can't optimize a non-leaf Tensor"
_NO_PARAMETERS = "optimizer got an empty parameter list"
_DEEPCOPY = "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol"


def _named(scene: Scene) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that the expression of the error names, as they are there, the longest names first."""
    tree = expression(whole_segment(scene.tape, scene.event))
    nodes = ast.walk(tree) if tree is not None else ()
    for node in nodes:
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            name = ast.unparse(node)
            tensor = scene.tape.tensor(name, scene.seq)
            known = None if tensor is None else scene.tape.appearance(tensor, scene.seq)
            if known is not None:
                yield name, known


def _computed(scene: Scene) -> tuple[str, Event] | None:
    """Return the one tensor named in the expression of the error that a call computed, and the event of that."""
    found = {}
    for name, tensor in _named(scene):
        node = None if tensor.node is None else scene.tape.node(tensor.node)
        made = scene.maker(tensor)
        if node is not None and node.kind != "accumulate" and made is not None:
            found[name] = made
    return next(iter(found.items())) if len(found) == 1 else None


def _of_computed(
    scene: Scene, code: str, message: str, computed: tuple[str, Event], words: tuple[str, str], advice: str
) -> Finding:
    """Return the finding about a tensor that a call computed; ``words``: what to say of that call, and of the error."""
    name, made = computed
    steps = (Step(made.seq, f"computes {name}{words[0]}"), Step(scene.seq, words[1]))
    return scene.finding(code, message, culprit=made, steps=steps, tensors=(name,), advice=advice)


# --- G112, G118 -------------------------------------------------------------------------------------------------------


def _numpy(scene: Scene) -> Finding | None:
    if scene.detail.type != "RuntimeError" or not scene.message.startswith(_TO_NUMPY):
        return None
    wanting = {name: tensor for name, tensor in _named(scene) if tensor.requires_grad}
    code, receiver = scene.at(scene.event), _receiver(scene)
    if len(wanting) != 1:
        which = f"{receiver}, which requires grad" if receiver else "a tensor that requires grad; which is not known"
        return scene.finding(_NUMPY, f"{code} makes a NumPy array of {which}", tensors=(receiver,))
    ((name, tensor),) = wanting.items()
    made = scene.maker(tensor)
    by = f" (made by {scene.at(made)})" if made is not None else ""
    message = f"{code} makes a NumPy array of {name}, which requires grad{by}"
    steps = (Step(made.seq, f"makes {name}"),) if made is not None else ()
    advice = f"Use {name}.detach().numpy(), if no gradient is to flow through the array"
    return scene.finding(
        _NUMPY, message, steps=(*steps, Step(scene.seq, "makes an array of it")), tensors=(name,), advice=advice
    )


def _receiver(scene: Scene) -> str:
    """Return the variable whose ``numpy()`` is called where the error was raised, if there is one such call."""
    tree = expression(whole_segment(scene.tape, scene.event))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree is not None else []
    found = [func.value for func in calls if isinstance(func, ast.Attribute) and func.attr == "numpy"]
    is_variable = len(found) == 1 and isinstance(found[0], ast.Name | ast.Attribute | ast.Subscript)
    return ast.unparse(found[0]) if is_variable else ""


def _deepcopy(scene: Scene) -> Finding | None:
    if scene.detail.type != "RuntimeError" or not scene.message.startswith(_DEEPCOPY):
        return None
    found, code = _computed(scene), scene.at(scene.event)
    if found is None:
        return scene.finding(_COPY, f"{code} copies what holds a tensor that a call has computed; which is not known")
    name, made = found
    message = f"{code} copies {name}, which {scene.at(made)} computed"
    return _of_computed(scene, _COPY, message, found, ("", "copies it"), f"Copy {name}.detach().clone()")


# --- G113, G114 -------------------------------------------------------------------------------------------------------


def _non_leaf(scene: Scene) -> Finding | None:
    if scene.detail.type != "ValueError" or scene.message != _OPTIMIZE:
        return None
    found, code = _computed(scene), scene.at(scene.event)
    if found is None:
        return scene.finding(_NON_LEAF, f"{code} is given a tensor that a call has computed; which is not known")
    name, made = found
    message = f"{code} is given {name}, which is no leaf: {scene.at(made)} computed it"
    advice = f"Let {name} require grad last: {name} = (what is computed).detach().requires_grad_()"
    return _of_computed(scene, _NON_LEAF, message, found, (", which is no leaf", "an optimizer is given it"), advice)


def _empty(scene: Scene) -> Finding | None:
    if scene.detail.type != "ValueError" or scene.message != _NO_PARAMETERS:
        return None
    code = scene.at(scene.event)
    tree = expression(whole_segment(scene.tape, scene.event))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args] if tree is not None else []
    given = calls[0].args[0] if calls else None
    told = assignment(scene.tape, scene.event, given.id) if isinstance(given, ast.Name) else None
    name = given.id if isinstance(given, ast.Name) else ""
    if told is not None and _is_generator(told[1]):
        message = (
            f"{code} is given {name}, of `{told[1]}` on line {told[0]}: a generator, which gives what it has only once"
        )
        advice = f"Make a list of it: {name} = list({told[1]})"
        return scene.finding(_EMPTY, message, advice=advice)
    what = f"`{ast.unparse(given)}`" if given is not None else "what it is given"
    return scene.finding(_EMPTY, f"{code} is given {what}, which has no parameter")


def _is_generator(code: str) -> bool:
    tree = expression(code)
    body = (
        tree.body[0].value
        if isinstance(tree, ast.Module) and tree.body and isinstance(tree.body[0], ast.Expr)
        else None
    )
    if isinstance(body, ast.GeneratorExp):
        return True
    if not isinstance(body, ast.Call):
        return False
    name = body.func.attr if isinstance(body.func, ast.Attribute) else getattr(body.func, "id", "")
    return name in {"parameters", "filter", "map", "iter", "chain"}


ROWS = (
    row(
        _NUMPY,
        "a NumPy array of a tensor that requires grad",
        meaning="NumPy computes without autograd: what is done with the array would be missing from the graph. torch "
        "wants that to be said.",
        advice="Use detach() before numpy(), if no gradient is to flow through the array.",
        explain=_numpy,
    ),
    row(
        _NON_LEAF,
        "an optimizer is given what a call has computed",
        meaning="An optimizer changes leaves: tensors that begin the graph. What a call returned (.to(), .double(), "
        ".cuda(), w * 0.1) is no leaf, even if its input was one; backward would leave its .grad None.",
        advice="Give the leaf; make it with its dtype and device at once, or call requires_grad_() last.",
        explain=_non_leaf,
    ),
    row(
        _EMPTY,
        "an optimizer without parameters",
        meaning="What the optimizer was given holds no parameter: a generator that was used up, a model whose layers "
        "are in a plain list or not made yet, or a filter that let nothing through.",
        advice="Register the layers (nn.ModuleList, nn.Sequential), and give parameters() anew to each optimizer.",
        explain=_empty,
    ),
    row(
        _COPY,
        "a copy of a tensor that a call has computed",
        meaning="deepcopy copies leaves. The copy of a result would need a copy of all of its graph.",
        advice="Detach the tensor before it is kept where it is copied, or copy x.detach().clone().",
        explain=_deepcopy,
    ),
)
