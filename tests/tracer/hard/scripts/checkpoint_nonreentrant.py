"""A checkpoint that throws away what it computed and computes it again in backward."""

import torch
from torch.utils.checkpoint import checkpoint


def block(z):
    y = z.exp()
    return y * z


x = torch.tensor([1.0, 2.0], requires_grad=True)
out = checkpoint(block, x, use_reentrant=False)
out.sum().backward()
