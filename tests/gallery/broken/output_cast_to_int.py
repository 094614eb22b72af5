"""The prediction is cast to int64 to be compared with integer targets.

Findings: G103
Line: 18
Raises: RuntimeError
"""

import torch
from torch import nn


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 1)

    def forward(self, x):
        return self.fc(x).long()


torch.manual_seed(5)
model = Counter()
x = torch.randn(9, 4) * 5
target = torch.randint(0, 5, (9, 1))
loss = (model(x) - target).abs().float().mean()
loss.backward()
