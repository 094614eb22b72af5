"""A thread makes the batches and puts them into a queue."""

import queue
import sys
import threading

import torch

torch.manual_seed(19)
steps = int(sys.argv[1])
batches = queue.Queue(4)


def feed():
    generator = torch.Generator().manual_seed(20)
    for _ in range(steps):
        batches.put(torch.randn(5, generator=generator))


feeder = threading.Thread(target=feed, name="feeder")
feeder.start()
w = torch.zeros(5, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(steps):
    loss = (w - batches.get()).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
feeder.join()
