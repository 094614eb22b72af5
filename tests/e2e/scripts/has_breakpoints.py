import os

import torch

import gradb

torch.manual_seed(0)
w = torch.randn(3, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for i in range(3):
    loss = (w**2).sum()
    breakpoint(header=f"iteration {i}")
    optimizer.zero_grad()
    loss.backward()
    gradb.set_trace()
    optimizer.step()
    print(i, loss.item().hex(), [number.hex() for number in w.tolist()])
if (pid := os.fork()) == 0:
    breakpoint()
    gradb.set_trace()
    os._exit(7)
print("the child ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
