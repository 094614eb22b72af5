#!/usr/bin/env bash
# With: torch-optimizer 0.3.0, prodigyopt 1.1.2, adamp 0.3.0, madgrad 1.3, lion-pytorch 0.2.5 with torch 2.13.0
# Guess: a step changes the parameters in place, so their version rises, and a backward through a graph from before the
#   step raises, as with torch's own optimizers.
# Seen: of these only Lion's does, like torch's SGD. The others write through .data: no version rises, and the same
#   backward returns a gradient computed with the new weights, without a word.
# Matters: Two losses on one forward with a step between them are an error with one optimizer and a wrong gradient with
#   another.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  torch==2.13.0 torch-optimizer==0.3.0 prodigyopt==1.1.2 adamp==0.3.0 madgrad==1.3 lion-pytorch==0.2.5
"$folder/venv/bin/python" -W ignore - <<'PY'
import adamp
import lion_pytorch
import madgrad
import prodigyopt
import torch
import torch_optimizer


def second_backward(make):
    """Return what a backward through the graph from before a step does."""
    torch.manual_seed(0)
    x, first, second = torch.randn(4, 3), torch.nn.Parameter(torch.randn(3, 3)), torch.nn.Parameter(torch.randn(3, 3))
    optimizer = make([second])
    hidden = x @ first
    loss = (hidden @ second).square().sum()
    right = torch.autograd.grad(loss, first, retain_graph=True)[0]
    loss.backward(retain_graph=True)
    before = second._version
    optimizer.step()
    try:
        late = torch.autograd.grad(loss, first)[0]
    except RuntimeError:
        return "raises"
    return "other gradient, version unchanged" if second._version == before and not torch.equal(late, right) else "same"


seen = {
    "torch.optim.SGD": second_backward(lambda group: torch.optim.SGD(group, 0.1)),
    "lion_pytorch.Lion": second_backward(lambda group: lion_pytorch.Lion(group, 0.1)),
    "torch_optimizer.RAdam": second_backward(lambda group: torch_optimizer.RAdam(group, 0.1)),
    "torch_optimizer.Yogi": second_backward(lambda group: torch_optimizer.Yogi(group, 0.1)),
    "torch_optimizer.Lamb": second_backward(lambda group: torch_optimizer.Lamb(group, 0.1)),
    "prodigyopt.Prodigy": second_backward(lambda group: prodigyopt.Prodigy(group, d0=0.1)),
    "adamp.AdamP": second_backward(lambda group: adamp.AdamP(group, 0.1)),
    "madgrad.MADGRAD": second_backward(lambda group: madgrad.MADGRAD(group, 0.1)),
}
for name, what in seen.items():
    print(f"{name:24}{what}")
raising = {"torch.optim.SGD", "lion_pytorch.Lion"}
assert {name for name, what in seen.items() if what == "raises"} == raising
assert {what for name, what in seen.items() if name not in raising} == {"other gradient, version unchanged"}
PY
