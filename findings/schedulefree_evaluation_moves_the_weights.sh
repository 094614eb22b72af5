#!/usr/bin/env bash
# With: schedulefree 1.4.1 with torch 2.13.0
# Guess: optimizer.eval() and optimizer.train() around an evaluation bring back the very weights of before it.
# Seen: with AdamWScheduleFree and SGDScheduleFree some weights come back with another last digit: there and back is
#   two interpolations. With the Reference classes of the package, which keep both sets of weights, none does.
# Matters: Two trainings with one seed part because one of them evaluated more often.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 schedulefree==1.4.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import schedulefree
import torch
from torch import nn


def changed(kind):
    torch.manual_seed(0)
    model = nn.Linear(100, 100)
    optimizer = getattr(schedulefree, kind)(model.parameters(), lr=0.01)
    optimizer.train()
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(4, 100)).pow(2).mean().backward()
        optimizer.step()
    before = model.weight.detach().clone()
    optimizer.eval()
    away = (model.weight - before).abs().max().item()
    optimizer.train()
    return (model.weight != before).sum().item(), away, (model.weight - before).abs().max().item()


for kind in ("AdamWScheduleFree", "SGDScheduleFree", "AdamWScheduleFreeReference", "SGDScheduleFreeReference"):
    weights, away, off = changed(kind)
    print(f"{kind:27}{weights:5} of 10000 weights are others, by at most {off:.1e}, after they were {away:.1e} away")
    assert away > 1e-6
    assert off < 1e-6
    assert (weights == 0) == kind.endswith("Reference")
PY
