#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: What `tensor.grad_fn` returns is an object made for the asker, which is gone as soon as nobody holds it.
# Seen: the node keeps it for as long as it lives: a graph of 500 ops whose grad_fn was looked at once each, and let go of,
#   holds 500 Python objects, all of them gone through by every full garbage collection; one that nobody looked at has none.
# Matters: A logger that prints each result's grad_fn makes long graphs slower to collect, and memory grows by an object a
#   node, until the graph itself is freed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import gc

import torch


def objects_after(looks: bool) -> int:
    result = torch.ones(2, requires_grad=True)
    for _ in range(500):
        result = result * 1.5
        if looks:
            result.grad_fn
    gc.collect()
    return sum(type(one).__name__ == "MulBackward0" for one in gc.get_objects())


counts = objects_after(False), objects_after(True), objects_after(False)
print("objects of the graph: not looked at, looked at, not looked at again:", *counts)
assert counts == (0, 500, 0)
PY
