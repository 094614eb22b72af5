"""forward() returns F.softmax(...), which goes into F.cross_entropy.

Findings: G011
Line: 20 or 29
"""

import torch
import torch.nn.functional as F
from torch import nn


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.fc = nn.Linear(4 * 6 * 6, 10)

    def forward(self, x):
        x = F.relu(self.conv(x)).flatten(1)
        return F.softmax(self.fc(x), dim=-1)


torch.manual_seed(1)
net = Digits()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for batch in range(6):
    images, labels = torch.randn(16, 1, 8, 8), torch.randint(0, 10, (16,))
    probabilities = net(images)
    loss = F.cross_entropy(probabilities, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
