"""Saves now and then, and does not mind if that cannot be done."""

import sys

import torch

torch.manual_seed(16)
w = torch.zeros(5, requires_grad=True)
optimizer = torch.optim.Adam([w], lr=0.1)
for step in range(int(sys.argv[1])):
    loss = (w - torch.randn(5)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
    if step % 20 == 10:
        try:
            torch.save(w.detach(), "now.pt")
        except Exception as error:
            print("could not save", type(error).__name__)
