"""One cell of the table is empty and was read as nan; it is in the third batch.

Findings: G016
Line: 13 or 18 or 19
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
table = torch.randn(40, 5)
table[23, 3] = float("nan")
target = torch.randn(40, 1)
model = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(2):
    for features, y in DataLoader(TensorDataset(table, target), batch_size=10):
        loss = nn.functional.mse_loss(model(features), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
