"""Grad-CAM: the hook is on feature maps that the classifier gets detached, so it is never called.

Findings: G015
May: G002
Line: 24
"""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(6, 10), nn.ReLU())
        self.classifier = nn.Linear(10, 3)
        self.gradients = None

    def keep(self, grad):
        self.gradients = grad

    def forward(self, x):
        maps = self.features(x)
        maps.register_hook(self.keep)
        return self.classifier(maps.detach())


torch.manual_seed(2)
model = Net()
scores = model(torch.randn(4, 6))
scores[:, 1].sum().backward()
print(model.gradients)
