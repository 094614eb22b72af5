"""W4: a chain of 20,000 ops and one backward: a graph as deep as they come."""

import json
import resource
import sys
import time

import torch


def chain(ops):
    x = torch.ones(8, requires_grad=True)
    y = x
    for _ in range(ops // 2):
        y = y * 1.0001
        y = y + 0.0001
    y.sum().backward()


torch.set_num_threads(1)
chain(100)
began = time.process_time(), time.perf_counter()
chain(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"cpu": cpu, "wall": wall, "peak_kib": peak_kib}))
