#!/usr/bin/env bash
# With: peft 0.21.2, transformers 5.24.0 with torch 2.13.0
# Guess: with its default settings every adapter begins at the output of the base model, as LoRA does with its B of zeros.
# Seen: LoRA, IA3, OFT, LoHa, VeRA and SHiRA give the very output. FourierFT gives one that is wholly another, as its
#   spectrum begins with random numbers (with init_weights=True it begins with zeros); UniLora is off by 0.2 %.
# Matters: The fine-tuning begins at a damaged model, and its first losses say nothing of the base model.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 peft==0.21.2 transformers==5.24.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import peft
import torch
from torch import nn


class Base(nn.Module):
    """Two linear layers; the adapter goes to the first."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.second = nn.Linear(64, 64)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x)))


def off_by(name, **options):
    """Return how far the output of a fresh adapter is from that of the base model, beside the size of that."""
    torch.manual_seed(0)
    base, inputs = Base(), torch.randn(16, 64)
    with torch.no_grad():
        expected = base(inputs)
        adapted = peft.get_peft_model(base, getattr(peft, f"{name}Config")(target_modules=["first"], **options)).eval()
        return ((adapted(inputs) - expected).norm() / expected.norm()).item()


for name, options in (
    ("Lora", {}),
    ("IA3", {"feedforward_modules": []}),
    ("OFT", {}),
    ("LoHa", {}),
    ("Vera", {}),
    ("Shira", {}),
    ("FourierFT", {"init_weights": True}),
):
    off = off_by(name, **options)
    print(f"{name:10}{options!s:30}{off:.6f}")
    assert off < 1e-5
spectrum, uniform = off_by("FourierFT"), off_by("UniLora")
print(f"FourierFT {spectrum:.4f}, UniLora {uniform:.4f}")
assert spectrum > 0.5
assert 1e-5 < uniform < 0.1
PY
