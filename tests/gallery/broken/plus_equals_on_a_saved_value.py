"""x += ... changes x, which the exp before it has saved as its result.

Findings: G101
Line: 13
Raises: RuntimeError
"""

import torch


def attention_score(x, bias):
    weights = torch.exp(x)
    weights += bias
    return weights / weights.sum()


torch.manual_seed(1)
x = torch.randn(6, requires_grad=True)
score = attention_score(x, torch.full((6,), 0.1))
loss = (score * torch.arange(6.0)).sum()
loss.backward()
