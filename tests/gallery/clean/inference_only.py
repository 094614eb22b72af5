"""A loop of inference under no_grad: no optimizer, no backward.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(48)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(dim=1)).eval()
predictions = []
with torch.no_grad():
    for batch in torch.randn(6, 10, 8):
        predictions.append(model(batch).argmax(1))
print(torch.cat(predictions).bincount())
