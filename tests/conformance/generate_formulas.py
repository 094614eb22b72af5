"""Generates src/gradb/rules/formulas.json: PyTorch's own backward formulas by node name and version.

Run ``python -m tests.conformance.generate_formulas`` from the top of the repository with each version of torch: the
oldest one that gradb was measured with gives the whole table, every other one what differs from that. The text comes
from the derivatives.yaml inside the torch wheel, read by torch's own code generator, so that the node names are those
of the compiled classes. Formulas for other dispatch keys are kept apart under the key's name.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "src" / "gradb" / "rules" / "formulas.json"


def generate() -> dict[str, Any]:
    """Return this torch's {"torch": version, "nodes": {name: {inputs: formula}}, "other": {dispatch key: {...}}}."""
    import torchgen
    from torchgen.packaged.autograd.load_derivatives import load_derivatives

    packaged = Path(torchgen.__file__).parent / "packaged"
    yaml = packaged / "autograd" / "derivatives.yaml"
    native, tags = packaged / "ATen" / "native" / "native_functions.yaml", packaged / "ATen" / "native" / "tags.yaml"
    infos, _ = load_derivatives(str(yaml), str(native), str(tags))
    nodes: dict[str, dict[str, str]] = {}
    other: dict[str, dict[str, dict[str, str]]] = {}
    for by_key in infos.values():
        for key, info in by_key.items():
            if info.op is not None:
                table = nodes if key == "Default" else other.setdefault(key, {})
                table[info.op] = {", ".join(d.var_names): d.original_formula for d in info.derivatives}
    return {"torch": version("torch").partition("+")[0], "nodes": nodes, "other": other}


def differences(base: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return {name: {inputs: formula}} of the nodes whose formulas differ from those of ``base``; None: gone."""
    before, after = _flat(base), _flat(new)
    return {name: after.get(name) for name in before | after if before.get(name) != after.get(name)}


def _flat(formulas: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for table in (*formulas["other"].values(), formulas["nodes"]):
        merged |= table
    return merged


def merged(kept: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return what formulas.json is to say when ``new`` is that of the torch which is installed."""
    if new["torch"] == kept["torch"]:
        return new | {"versions": kept["versions"]}
    return kept | {"versions": kept["versions"] | {new["torch"]: differences(kept, new)}}


def render(formulas: dict[str, Any]) -> str:
    """Return the JSON text, one node a line so that a change of version shows as a readable difference."""

    def table(rows: dict[str, Any], indent: str) -> str:
        lines = [f"{indent}{json.dumps(name)}: {json.dumps(rows[name])}" for name in sorted(rows)]
        return "{\n" + ",\n".join(lines) + "\n" + indent[1:] + "}"

    def tables(by_key: dict[str, dict[str, Any]]) -> str:
        return ",\n".join(f"  {json.dumps(key)}: {table(rows, '   ')}" for key, rows in sorted(by_key.items()))

    head = f'{{\n "torch": {json.dumps(formulas["torch"])},\n'
    nodes, other, versions = (formulas[key] for key in ("nodes", "other", "versions"))
    tail = f' "nodes": {table(nodes, "  ")},\n "other": {{\n{tables(other)}\n }},\n'
    return f'{head}{tail} "versions": {{\n{tables(versions)}\n }}\n}}\n'


def load() -> dict[str, Any]:
    """Return what formulas.json says now."""
    found: dict[str, Any] = json.loads(TARGET.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    TARGET.write_text(render(merged(load(), generate())), encoding="utf-8")
    print(f"wrote {TARGET}")
