"""ReduceLROnPlateau on a validation loss, and early stopping that ends the loop.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(32)
model = nn.Linear(3, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
x, y, x_val, y_val = torch.randn(20, 3), torch.randn(20, 1), torch.randn(8, 3), torch.randn(8, 1)
best, bad = float("inf"), 0
for epoch in range(15):
    model.train()
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        score = nn.functional.mse_loss(model(x_val), y_val).item()
    scheduler.step(score)
    best, bad = (score, 0) if score < best else (best, bad + 1)
    if bad > 2:
        break
