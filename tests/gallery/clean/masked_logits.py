"""Forbidden actions get a logit of -inf before log_softmax; none of them is ever chosen.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(20)
policy = nn.Linear(4, 5)
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
allowed = torch.tensor([True, True, False, True, False])
for step in range(6):
    logits = policy(torch.randn(8, 4)).masked_fill(~allowed, -torch.inf)
    log_p = logits.log_softmax(-1)
    action = torch.multinomial(log_p.exp().detach(), 1)
    loss = -(log_p.gather(1, action).squeeze(1) * torch.randn(8)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
