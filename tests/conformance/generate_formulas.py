"""Generates src/gradb/rules/formulas.json: PyTorch's own backward formulas by node name.

Run ``python -m tests.conformance.generate_formulas`` from the top of the repository when the torch version changes.
The text comes from the derivatives.yaml inside the torch wheel, read by torch's own code generator, so that the node
names are those of the compiled classes. Formulas for other dispatch keys are kept apart under the key's name.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "src" / "gradb" / "rules" / "formulas.json"


def generate() -> dict[str, Any]:
    """Return {"torch": version, "nodes": {name: {inputs: formula}}, "other": {dispatch key: {name: ...}}}."""
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


def render(formulas: dict[str, Any]) -> str:
    """Return the JSON text, one node a line so that a change of version shows as a readable difference."""

    def table(rows: dict[str, dict[str, str]], indent: str) -> str:
        lines = [f"{indent}{json.dumps(name)}: {json.dumps(rows[name])}" for name in sorted(rows)]
        return "{\n" + ",\n".join(lines) + "\n" + indent[1:] + "}"

    other = ",\n".join(f"  {json.dumps(key)}: {table(rows, '   ')}" for key, rows in sorted(formulas["other"].items()))
    head = f'{{\n "torch": {json.dumps(formulas["torch"])},\n'
    return f'{head} "nodes": {table(formulas["nodes"], "  ")},\n "other": {{\n{other}\n }}\n}}\n'


if __name__ == "__main__":
    TARGET.write_text(render(generate()), encoding="utf-8")
    print(f"wrote {TARGET}")
