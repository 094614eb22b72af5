"""Values, tensors and the chain rule as JSON.

Every number is true JSON: NaN and infinities are the strings ``"nan"``, ``"inf"`` and ``"-inf"``, a complex number is
the pair of its parts.
"""

from __future__ import annotations

import math
from typing import Any

from gradb.algebra.local import Check, Local
from gradb.frame.chain.record import Asked, Chain, Contribution, Hook, Rewrite
from gradb.frame.sizes import two_norm
from gradb.rules import describe, examined
from gradb.tape.indices import unravel
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import Number, Stats, TensorValue

Json = dict[str, Any]


def number_json(value: Number | None) -> Any:
    """Return a number that JSON can hold."""
    if isinstance(value, complex):
        return [number_json(value.real), number_json(value.imag)]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def value_json(value: TensorValue | None) -> Json | None:
    """Return ``{"shape", "dtype", "values"}``; ``stats`` above the limit, ``note`` where there is neither."""
    if value is None:
        return None
    result: Json = {"shape": list(value.shape), "dtype": value.dtype}
    numbers = value.numbers()
    if numbers is not None:
        result["values"] = [number_json(n) for n in numbers]
    elif value.stats is not None:
        result["stats"] = _stats_json(value.stats, two_norm(value))
    if (odd := value.nonfinite()) is not None:
        counts: Json = {"nan": odd.nan, "inf": odd.posinf, "-inf": odd.neginf}
        result["nonfinite"] = counts | ({} if odd.first is None else {"first": list(unravel(odd.first, value.shape))})
    if value.note or (numbers is None and value.stats is None):
        result["note"] = value.note or "not recorded"
    return result


def _stats_json(stats: Stats, norm: float | None) -> Json:
    return {
        "min": number_json(stats.minimum),
        "max": number_json(stats.maximum),
        "mean": number_json(stats.mean),
        "norm": number_json(norm),
        "nan": stats.nan,
        "inf": stats.posinf,
        "-inf": stats.neginf,
        "corner": [number_json(n) for n in stats.corner],
    }


def tensor_json(tensor: Tensor | None) -> Json | None:
    """Return a tensor, with its name where it has one."""
    if tensor is None:
        return None
    named: Json = {"name": tensor.name} if tensor.name else {}
    return {**named, **(value_json(tensor.value) or {})}


# --- the chain rule ---------------------------------------------------------------------------------------------------


def check_json(check: Check | None) -> Json | None:
    """Return ``{"ok", "max_error", "text", "how"}`` or None; ``ok`` is null where not all could be compared."""
    if check is None:
        return None
    is_ok = None if check.is_ok and not check.is_compared else check.is_ok
    return {"ok": is_ok, "max_error": number_json(check.max_error), "text": check.text, "how": check.how}


def local_json(local: Local) -> Json:
    """Return structure and numbers, and what more there is to say of a structure.

    A derivative of 1 or 0 for every element is a ``scalar`` with that value, a zero of another form ``dense`` zeros.
    """
    structure, values = local.structure, local.values
    if structure == "identity":
        shown: tuple[str, Any] = ("scalar", [1.0])
    elif structure == "zero":
        is_square = local.rows == local.columns
        shown = ("scalar", [0.0]) if is_square else ("dense", [0.0] * (local.rows * local.columns))
    else:
        shown = (structure, None if values is None else [number_json(n) for n in values])
    result: Json = {"structure": shown[0], "values": shown[1], "rows": local.rows, "columns": local.columns}
    if local.form != "real":
        result["form"] = local.form
    if local.where:
        result["where"] = list(local.where)
    if local.blocks:
        size = {"rows": len(local.blocks[0].rows), "columns": len(local.blocks[0].columns)}
        result["blocks"] = {"count": len(local.blocks), **size, "equal": local.are_blocks_equal}
    return {**result, "note": local.note} if local.note else result


def edges_json(chain: Chain) -> list[Json]:
    """Return one object an edge: where to, local derivative, downstream, check."""
    return [_edge_json(chain, index) for index in range(len(chain.edges))]


def _edge_json(chain: Chain, index: int) -> Json:
    edge, explanation = chain.edges[index], describe(chain, index)
    local = local_json(edge.local) | {
        "math": explanation.math if explanation.has_formula else None,
        "pytorch": explanation.pytorch or None,
        "condition": explanation.condition or None,
    }
    if explanation.as_of:
        local["as_of"] = explanation.as_of
    return {
        "to": edge.to,
        "to_name": edge.to_name or None,
        "input": tensor_json(edge.tensor),
        "local": local,
        "downstream": value_json(edge.downstream),
        "is_asked": edge.is_asked,
        "check": check_json(edge.check),
    }


def _contribution_json(contribution: Contribution) -> Json:
    return {
        "from": contribution.node,
        "from_name": contribution.node_name,
        "output": contribution.output_nr,
        "event": contribution.event,
        "value": value_json(contribution.value),
    }


def chain_json(chain: Chain | None) -> Json | None:
    """Return the whole record of a node."""
    if chain is None:
        return None
    chain = examined(chain)
    return {
        "node": chain.node,
        "name": chain.node_name,
        "state": chain.state,
        "root": chain.root,
        "gradients": None if chain.weights is None else [value_json(value) for value in chain.weights.given],
        "output": tensor_json(chain.output),
        "upstream": [value_json(value) for value in chain.upstream],
        "contributions": [_contribution_json(contribution) for contribution in chain.contributions],
        "contributions_check": check_json(chain.contributions_check),
        "hooks": [_hook_json(hook) for hook in chain.hooks],
        "edges": edges_json(chain),
        "asked": [asked_json(asked) for asked in chain.asked],
        "remarks": [{"kind": remark.kind, "text": remark.text} for remark in chain.remarks],
        "rewrites": [rewrite_json(rewrite) for rewrite in chain.rewrites],
        "left": [value_json(value) for value in chain.left],
        "error": chain.error or None,
        "gone": chain.gone,
    }


def rewrite_json(rewrite: Rewrite) -> Json:
    """Return who wrote into a gradient on its way."""
    return {
        "kind": rewrite.kind,
        "name": rewrite.name or None,
        "where": rewrite.where or None,
        "at": rewrite.at or None,
        "call": rewrite.call or None,
        "event": rewrite.event or None,
    }


def asked_json(asked: Asked) -> Json:
    """Return what came of one question about a node."""
    return {
        "event": asked.event,
        "what": asked.what,
        "index": asked.index,
        "of": asked.of,
        "vector": [value_json(value) for value in asked.vector],
        "result": [value_json(value) for value in asked.result],
        "check": check_json(asked.check),
        "ran_code": asked.has_run_code,
        "note": asked.note or None,
    }


def _hook_json(hook: Hook) -> Json:
    return {
        "hook": hook.kind,
        "function": hook.function,
        "where": hook.where or None,
        "event": hook.event,
        "changed": hook.is_changed,
        "in_place": hook.is_inplace,
        "error": hook.error or None,
        "before": [value_json(value) for value in hook.before],
        "after": [value_json(value) for value in hook.after],
    }
