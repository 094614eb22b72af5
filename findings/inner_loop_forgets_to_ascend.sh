#!/usr/bin/env bash
# With: higher 0.2.1 with torch 2.13.0
# Guess: higher.innerloop_ctx makes the steps that the optimizer it is given would make, or raises for an option that it
#   does not know, as it raises for AdamW.
# Seen: maximize=True is left out by all of its optimizers (SGD, Adam, Adamax, Adagrad, Adadelta, RMSprop, Rprop): where
#   the optimizer goes up, the inner loop goes down. Adam's decoupled_weight_decay is left out too, and decays through the
#   gradient. weight_decay, momentum and nesterov are followed.
# Matters: An inner loop that should find the worst case finds the easiest one, and nothing is said.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 higher==0.2.1 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import higher
import torch


def steps(name, options):
    """Return where a weight of 1 is after one step of the inner loop, and after one of the optimizer itself."""
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(model.weight)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.1, **options)
    with higher.innerloop_ctx(model, optimizer) as (inner, differentiable):
        differentiable.step(inner(torch.ones(1, 1)).sum())
        reached = next(inner.parameters()).item()
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    return reached, model.weight.item()


for name in ("SGD", "Adam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Rprop"):
    inner, outer = steps(name, {"maximize": True})
    print(f"{name:9}maximize=True: the inner loop reaches {inner:.5f}, the optimizer {outer:.5f}")
    assert inner < 1 < outer
inner, outer = steps("Adam", {"weight_decay": 1.0, "decoupled_weight_decay": True})
print(f"Adam     decoupled_weight_decay=True: {inner:.5f} and {outer:.5f}")
assert abs(inner - 0.9) < 1e-4 and abs(outer - 0.8) < 1e-4
for options in ({"weight_decay": 0.1}, {"momentum": 0.9, "nesterov": True}):
    inner, outer = steps("SGD", options)
    print(f"SGD      {options}: {inner:.5f} and {outer:.5f}")
    assert abs(inner - outer) < 1e-6
try:
    steps("AdamW", {})
except ValueError as error:
    print("AdamW   ", error)
else:
    raise AssertionError("AdamW is taken")
PY
