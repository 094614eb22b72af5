"""A helper clears model.zero_grad() right before it steps.

Findings: G005
Line: 18 or 19
"""

import torch
from torch import nn


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)

    def update(self, loss):
        loss.backward()
        self.model.zero_grad(set_to_none=False)
        self.optimizer.step()

    def fit(self, x, y, epochs):
        for _ in range(epochs):
            self.update(nn.functional.binary_cross_entropy_with_logits(self.model(x), y))


torch.manual_seed(1)
x = torch.randn(30, 4)
Trainer(nn.Linear(4, 1), 1e-2).fit(x, (x[:, :1] > 0).float(), epochs=9)
