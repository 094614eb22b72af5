"""KL distillation with log_softmax of the student and softmax of the teacher.

Findings: none
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(27)
teacher = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 3)).requires_grad_(False)
student = nn.Linear(5, 3)
optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
for step in range(8):
    x, y = torch.randn(12, 5), torch.randint(0, 3, (12,))
    logits = student(x)
    soft = F.kl_div(F.log_softmax(logits, 1), F.softmax(teacher(x), 1), reduction="batchmean")
    loss = 0.5 * soft + 0.5 * F.cross_entropy(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
