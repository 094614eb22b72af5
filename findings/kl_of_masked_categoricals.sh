#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: where logits of -inf mask a choice away, log_prob, entropy and the divergence of two such Categoricals have
#   finite gradients, as all three have finite values.
# Seen: log_prob and entropy have. kl_divergence has the right value with a gradient of NaN in every logit, the allowed
#   ones too: the masked entry is set to 0 after -inf minus -inf was computed. A mask of -1e9 has none of it.
# Matters: A KL penalty beside masked actions turns the weights into NaN at the first step while the penalty looks fine.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.distributions import Categorical, kl_divergence


def value_and_gradient(function, mask):
    logits = torch.tensor([mask, 0.0, 1.0], requires_grad=True)
    value = function(Categorical(logits=logits))
    value.backward()
    return value.item(), logits.grad.tolist()


def divergence(mask):
    old = Categorical(logits=torch.tensor([mask, 0.5, 0.5]))
    return value_and_gradient(lambda new: kl_divergence(new, old), mask)


away = float("-inf")
likelihood, entropy = (
    value_and_gradient(lambda new: new.log_prob(torch.tensor(1)), away),
    value_and_gradient(lambda new: new.entropy(), away),
)
for name, seen in (("log_prob", likelihood), ("entropy", entropy), ("kl", divergence(away)), ("kl, -1e9", divergence(-1e9))):
    print(f"{name:10}{seen[0]:10.4f}  {seen[1]}")
finite = torch.tensor([likelihood[1], entropy[1], divergence(-1e9)[1]])
assert finite.isfinite().all()
value, gradient = divergence(away)
assert abs(value - divergence(-1e9)[0]) < 1e-6
assert torch.tensor(gradient).isnan().all()
PY
