"""log_softmax with nll_loss: one softmax.

Findings: none
"""

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(2 * 9, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        return F.log_softmax(self.fc(self.drop(torch.flatten(x, 1))), dim=1)


torch.manual_seed(23)
model = Net()
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
for batch in range(5):
    data, target = torch.randn(8, 1, 8, 8), torch.randint(0, 10, (8,))
    optimizer.zero_grad()
    loss = F.nll_loss(model(data), target)
    loss.backward()
    optimizer.step()
