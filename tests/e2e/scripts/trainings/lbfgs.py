"""LBFGS, whose closure runs several backwards a step."""

import sys

import torch

torch.manual_seed(6)
x = torch.randn(30, 3)
y = (x @ torch.tensor([1.0, -2.0, 0.5])).sin()
w = torch.zeros(3, requires_grad=True)
optimizer = torch.optim.LBFGS([w], lr=0.2, max_iter=3, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = ((x @ w).sin() - y + 0.01 * torch.randn(30)).pow(2).mean()
    loss.backward()
    return loss


for step in range(int(sys.argv[1])):
    print(step, optimizer.step(closure).item())
