"""The loss is wrapped once more: torch.tensor(loss) copies the value without its history.

Findings: G103
Line: 19
Raises: RuntimeError
"""

import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")
torch.manual_seed(9)
actor = nn.Linear(3, 2)
optimizer = torch.optim.Adam(actor.parameters(), lr=1e-3)
log_probs = [actor(torch.randn(3)).log_softmax(0)[0] for _ in range(5)]
rewards = torch.tensor([1.0, 0.0, 0.5, 0.2, 0.1])
policy_loss = torch.tensor([-p * r for p, r in zip(log_probs, rewards)]).sum()
optimizer.zero_grad()
policy_loss.backward()
optimizer.step()
