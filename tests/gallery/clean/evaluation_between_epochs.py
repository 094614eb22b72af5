"""Each epoch trains, evaluates under no_grad, and goes back to train().

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(50)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
train = [(x, (x[:, 0] > 0).long()) for x in torch.randn(3, 16, 4)]
valid = [(x, (x[:, 0] > 0).long()) for x in torch.randn(2, 16, 4)]
for epoch in range(3):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        loss = sum(nn.functional.cross_entropy(model(x), y) for x, y in valid) / len(valid)
    print(epoch, loss.item())
