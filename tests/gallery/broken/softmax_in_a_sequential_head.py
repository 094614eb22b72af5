"""Softmax ends the head; temperature and label smoothing are applied to probabilities in cross entropy.

Findings: G011
Line: 18 or 27
"""

import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 12), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(12, 4), nn.Softmax(dim=-1))

    def forward(self, x):
        return self.head(self.body(x))


torch.manual_seed(3)
model = Classifier()
criterion = nn.CrossEntropyLoss(label_smoothing=0.1, weight=torch.tensor([1.0, 2.0, 1.0, 1.0]))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(6):
    x, y = torch.randn(10, 6), torch.randint(0, 4, (10,))
    loss = criterion(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
