"""What is said of a node beside its product: who wrote its backward, what became of what it saves, who made it.

A table of sentences, one a kind of remark; after them comes what a node's values themselves tell: a cast, a view
written to.
"""

from __future__ import annotations

from gradb.frame.chain.record import Chain, Remark
from gradb.present.draw.safe import plain
from gradb.present.lines.call import call_text

_MAX_TEXT = 240
_SENTENCES = {
    "custom": "custom Function {text}",
    "once_differentiable": "once_differentiable: its gradient cannot be differentiated again",
    "unmaterialised": "set_materialize_grads(False): its backward gets None for an output without a gradient",
    "saved_hooks": "saved_tensors_hooks: what it saves goes through {text}",
    "save_on_cpu": "save_on_cpu: what it saves is kept in the CPU's memory until it runs",
    "checkpoint": "in a checkpoint: what it would save is let go, and computed again when backward needs it",
    "reentrant": "a reentrant checkpoint: its backward computes the forward again and runs a backward inside this one",
    "module_hooks": "torch's own node at a module's border: gradients pass unchanged, and module hooks are called here",
    "compiled": "a region that torch.compile made one node of: what happens inside of it is not seen",
    "made_by": "made by backward (create_graph): part of the derivative of {text}",
    "lost_hook": "hook {text} can never run any more: an in-place change of its base gave this tensor another node, and"
    " the node that the hook hangs on is gone",
    "left_hook": "hook {text} does not run here: it hangs on the node that this tensor had before its base was changed"
    " in place",
    "recomputed": "recomputed: a checkpoint computed its forward again when {text} was to run",
}
_LAYERS = {
    "MkldnnRnnLayerBackward0": "one node for a recurrent layer in one direction: all its time steps are inside",
    "CudnnRnnBackward0": "one node for a whole recurrent net: all its layers and time steps are inside",
}
_COPY_SLICES = "CopySlices"
_CASTS = frozenset(
    {"to", "type", "type_as", "float", "double", "half", "bfloat16", "int", "long", "bool", "cpu", "cuda"}
)


def remarks(chain: Chain) -> list[str]:
    """Return what is to be said of a node, one sentence each."""
    found = [_sentence(remark) for remark in chain.remarks if remark.kind in _SENTENCES]
    kinds = {remark.kind for remark in chain.remarks}
    if "custom" in kinds and "unmaterialised" not in kinds and None in chain.upstream:
        found.append("for the output without a gradient its backward gets zeros")
    if chain.op is None and not kinds & {"made_by", "recomputed"}:
        found.append("the forward call that made this node was not recorded")
    extras = (_custom_outputs(chain, kinds), _LAYERS.get(chain.node_name, ""), _cast(chain), _slices(chain))
    return [*found, *filter(None, extras)]


def _sentence(remark: Remark) -> str:
    text = plain(remark.text, _MAX_TEXT)
    if remark.kind in {"made_by", "recomputed"}:
        text = f"{text} ({call_text(remark.op)})" if remark.op is not None else text
    if remark.kind == "custom":
        name, _, place = text.rpartition(", ")
        text = f"{name}: its backward is defined at {place}"
    return _SENTENCES[remark.kind].format(text=text)


def _custom_outputs(chain: Chain, kinds: set[str]) -> str:
    """Tell which outputs of a custom Function no gradient flows through, and whether it changed an input in place."""
    op = chain.op
    if op is None or "custom" not in kinds:
        return ""
    words = []
    unmarked = [str(index) for index, output in enumerate(op.outputs) if not output.requires_grad]
    if unmarked and len(op.outputs) > 1:
        words.append(f"no gradient flows through output {', '.join(unmarked)}: it is not differentiable")
    ids = {tensor.id for tensor in op.inputs if tensor.id}
    if any(output.id in ids for output in op.outputs):
        words.append("it returned an input that it changed in place (mark_dirty)")
    return "; ".join(words)


def _cast(chain: Chain) -> str:
    """Tell of a change of dtype, by the gradient's dtype on either side of the node."""
    if chain.node_name != "ToCopyBackward0" or not chain.upstream or not chain.edges:
        return ""
    after, before = chain.upstream[0], chain.edges[0].downstream
    if after is None or before is None or after.dtype == before.dtype:
        return ""
    words = (
        f"a cast from {before.dtype} to {after.dtype}: the gradient comes in {after.dtype} and leaves in {before.dtype}"
    )
    is_asked = chain.op is None or chain.op.function.rpartition(".")[2] in _CASTS
    return words if is_asked else f"{words}; the op did it by itself, as under autocast"


def _slices(chain: Chain) -> str:
    if not chain.node_name.endswith(_COPY_SLICES):
        return ""
    return "CopySlices: an op wrote into a view, so the whole base got this node as its new grad_fn"


def scale_words(chain: Chain) -> str:
    """Say that all gradients of a backward are multiplied by a GradScaler's scale."""
    loss = next((plain(remark.text, 80) for remark in chain.remarks if remark.kind == "scaled"), None)
    if loss is None or not chain.upstream:
        return ""
    return (
        f"the backward began from {loss} × scale: each gradient is scale times that of {loss} until GradScaler unscales"
    )
