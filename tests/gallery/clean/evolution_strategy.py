"""An evolution strategy: parameters are perturbed and moved under no_grad, and no gradient is ever computed.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(86)
model = nn.Linear(3, 1)
x, y = torch.randn(20, 3), torch.randn(20, 1)
vector = nn.utils.parameters_to_vector(model.parameters()).detach()
for generation in range(6):
    noise = torch.randn(8, len(vector))
    scores = []
    with torch.no_grad():
        for direction in noise:
            nn.utils.vector_to_parameters(vector + 0.1 * direction, model.parameters())
            scores.append(-nn.functional.mse_loss(model(x), y))
    vector += 0.05 * (torch.stack(scores)[:, None] * noise).mean(0) / 0.1
