#!/usr/bin/env bash
# With: vector-quantize-pytorch 1.32.0 with torch 2.13.0
# Guess: a VectorQuantize inside torch.utils.checkpoint gives the gradients that it gives without: what is run again
#   sees the same input and draws nothing.
# Seen: its codebook is a running average that each forward in training mode moves, so the second run moves it twice and
#   quantises with other codes than the loss was computed with: the loss is the same to the last digit, the gradient of
#   the decoder behind it three times as long. In eval mode all is as without a checkpoint.
# Matters: With checkpointing the decoder follows gradients of codes that nobody saw, and the codebook decays twice as
#   fast.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 vector-quantize-pytorch==1.32.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from vector_quantize_pytorch import VectorQuantize


def trained(through, training):
    torch.manual_seed(0)
    quantizer = VectorQuantize(dim=4, codebook_size=8, decay=0.8).train(training)
    decoder, inputs = nn.Linear(4, 4), torch.randn(2, 16, 4, requires_grad=True)

    def block(x):
        codes, _, commitment = quantizer(x)
        return decoder(codes).square().sum() + commitment.sum()

    loss = through(block, inputs)
    loss.backward()
    return loss.item(), decoder.weight.grad, quantizer._codebook.cluster_size.sum().item()


for training in (True, False):
    loss, gradient, count = trained(lambda block, x: block(x), training)
    for reentrant in (False, True):
        other_loss, other, other_count = trained(lambda block, x: checkpoint(block, x, use_reentrant=reentrant), training)
        ratio = (other.norm() / gradient.norm()).item()
        print(
            f"training={training!s:6} use_reentrant={reentrant!s:6} loss {loss:.6f} and {other_loss:.6f}, "
            f"gradient {ratio:.2f} times as long, codes counted {count:.2f} and {other_count:.2f}"
        )
        assert loss == other_loss
        assert (ratio > 2 and other_count > count + 1) if training else (torch.equal(other, gradient) and other_count == count)
PY
