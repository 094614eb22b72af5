"""Only the scheduler steps: whoever wrote the loop took its step for the optimizer's.

Findings: G017
Line: 12
"""

import torch
from torch import nn

torch.manual_seed(6)
model = nn.Linear(5, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
for batch in range(8):
    x, labels = torch.randn(10, 5), torch.randint(0, 3, (10,))
    loss = nn.functional.cross_entropy(model(x), labels)
    model.zero_grad()
    loss.backward()
    scheduler.step()
    print(batch, loss.item(), scheduler.get_last_lr())
