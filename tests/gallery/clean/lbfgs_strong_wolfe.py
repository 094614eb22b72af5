"""LBFGS with a line search; the closure is a lambda around a function that uses torch.is_grad_enabled.

Findings: none
"""

import torch

torch.manual_seed(14)
point = torch.tensor([-1.0, 1.5], requires_grad=True)
optimizer = torch.optim.LBFGS([point], max_iter=5, line_search_fn="strong_wolfe")


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def closure():
    if torch.is_grad_enabled():
        optimizer.zero_grad()
    value = rosenbrock(point)
    if value.requires_grad:
        value.backward()
    return value


for _ in range(3):
    print(optimizer.step(closure).item())
