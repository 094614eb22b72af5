"""Both kinds of activation checkpointing, and a custom Function."""

import sys

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Soft(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * (x.abs() <= 1) * 0.9


torch.manual_seed(21)
one, two = nn.Sequential(nn.Linear(6, 12), nn.Dropout(0.2)), nn.Linear(12, 6)
optimizer = torch.optim.SGD([*one.parameters(), *two.parameters()], lr=0.05)
for step in range(int(sys.argv[1])):
    x = torch.randn(9, 6, requires_grad=True)
    hidden = checkpoint(one, x, use_reentrant=True)
    loss = (checkpoint(two, Soft.apply(hidden), use_reentrant=False) - x.detach()).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
