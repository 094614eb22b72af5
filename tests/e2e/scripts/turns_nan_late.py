"""A root of 0 at iteration 24: its derivative is infinite, and 0 times that is NaN."""

import torch

torch.manual_seed(0)
w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for iteration in range(1, 31):
    optimizer.zero_grad()
    gap = w - w.detach() if iteration == 24 else w + 3
    loss = gap.abs().sqrt().sum()
    loss.backward()
    optimizer.step()
print("done")
