"""Trains on a loss with one number a row, first rightly, then as a beginner does."""

import torch

torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(5, 2)
for _ in range(2):
    optimizer.zero_grad()
    rows = model(x).pow(2)
    rows.backward(torch.full_like(rows, 1 / len(rows)))
    optimizer.step()
print(model.bias.item().hex())
model(x).pow(2).backward()
