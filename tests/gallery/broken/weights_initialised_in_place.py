"""Weights are initialised with weight.normal_(0, 0.02) without no_grad.

Findings: G106
Line: 18
Raises: RuntimeError
"""

import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 8)
        self.fc2 = nn.Linear(8, 2)
        for module in self.children():
            module.weight.normal_(0.0, 0.02)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


model = Classifier()
