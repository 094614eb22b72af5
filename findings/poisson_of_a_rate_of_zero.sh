#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: a Poisson distribution may have a rate of 0 (its constraint says so), and log_prob(0) is then -rate: a value of
#   0 with a derivative of -1. Laplace.cdf has the density as its derivative everywhere, so 1/2 at its centre.
# Seen: the gradient by a rate of 0 is NaN, at 1e-30 it is -1. That of Laplace.cdf at its centre is exactly 0, and the
#   density on both sides of it.
# Matters: A rate of exp(score) is 0 in float32 from a score of -104 down: the loss is right and the weights become NaN (a
#   relu in its place hides it). A quantised latent on the mean of its Laplace prior tells that mean nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.distributions import Laplace, Poisson

for least in (0.0, 1e-30):
    rates = torch.tensor([least, 2.0], requires_grad=True)
    value = Poisson(rates).log_prob(torch.tensor([0.0, 3.0]))
    value.sum().backward()
    print(f"Poisson, rates {rates.tolist()} of counts 0 and 3: {value.tolist()}, gradient {rates.grad.tolist()}")
    assert value[0].abs() < 1e-20
    assert rates.grad[0].isnan() if least == 0 else rates.grad[0] == -1
    assert rates.grad[1] == 0.5

for name, function in (("exp", torch.exp), ("relu", torch.relu)):
    score = torch.tensor([-200.0, 1.0], requires_grad=True)
    loss = -Poisson(function(score)).log_prob(torch.tensor([0.0, 1.0])).sum()
    loss.backward()
    print(f"rates by {name} of -200 and 1: loss {loss.item():.4f}, gradient {score.grad.tolist()}")
    assert loss.isfinite() and score.grad.isnan().tolist() == [name == "exp", False]

for at in (-1e-6, 0.0, 1e-6):
    value = torch.tensor(at, requires_grad=True)
    Laplace(0.0, 1.0).cdf(value).backward()
    print(f"Laplace.cdf at {at:6.0e}: derivative {value.grad.item():.4f}")
    assert value.grad == 0 if at == 0 else abs(value.grad - 0.5) < 1e-5
PY
