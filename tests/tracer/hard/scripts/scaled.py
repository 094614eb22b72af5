"""autocast computes in bfloat16, and GradScaler multiplies the loss."""

import torch

w = torch.tensor([[1.0, 2.0]], requires_grad=True)
x = torch.tensor([[3.0], [4.0]])
optimizer = torch.optim.SGD([w], lr=0.01)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
with torch.autocast("cpu", dtype=torch.bfloat16):
    out = w @ x
    loss = out.float().sum()
scaler.scale(loss).backward()
scaler.step(optimizer)
scaler.update()
