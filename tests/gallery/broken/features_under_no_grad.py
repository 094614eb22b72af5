"""The features are still computed under no_grad although the backbone is to be fine-tuned now.

Findings: G002
Line: 13 or 18 or 19 or 23
"""

import torch
from torch import nn

torch.manual_seed(6)
backbone = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 8))
classifier = nn.Linear(8, 4)
optimizer = torch.optim.SGD(
    [{"params": backbone.parameters(), "lr": 1e-3}, {"params": classifier.parameters(), "lr": 1e-2}], momentum=0.9
)
x, y = torch.randn(30, 10), torch.randint(0, 4, (30,))
for step in range(7):
    with torch.no_grad():
        features = backbone(x)
    loss = nn.functional.cross_entropy(classifier(features), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
