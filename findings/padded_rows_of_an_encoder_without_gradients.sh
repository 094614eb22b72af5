#!/usr/bin/env bash
# With: torch 2.13.0 on the CPU
# Guess: a TransformerEncoder in eval mode gives the same output with gradients and under no_grad, up to rounding.
# Seen: at places masked by src_key_padding_mask it gives the usual vectors with gradients and exact zeros under
#   no_grad, where it takes a path of its own; all other places agree. With norm_first=True they agree everywhere.
# Matters: A mean or a maximum over all places, or a loss that forgets the mask, is another number in the evaluation.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn


def outputs(norm_first):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
    encoder, batch = nn.TransformerEncoder(layer, 2).eval(), torch.randn(2, 5, 8)
    padding = torch.tensor([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]).bool()
    with_gradients = encoder(batch, src_key_padding_mask=padding).detach()
    with torch.no_grad():
        without = encoder(batch, src_key_padding_mask=padding)
    return with_gradients, without, padding


for norm_first in (False, True):
    with_gradients, without, padding = outputs(norm_first)
    apart = (with_gradients - without).abs().amax(-1)
    print(f"norm_first={norm_first}: apart by {apart[padding].max():.2g} where masked, {apart[~padding].max():.2g} elsewhere")
    assert apart[~padding].max() < 1e-5
    if norm_first:
        assert apart[padding].max() < 1e-5
    else:
        assert without[padding].abs().max() == 0
        assert apart[padding].max() > 0.5
PY
