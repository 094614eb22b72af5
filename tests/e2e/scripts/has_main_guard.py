import inspect
import pickle
import sys

import torch


class Config:
    factor = 2.0


def train():
    a = torch.ones(2, requires_grad=True)
    config = pickle.loads(pickle.dumps(Config()))
    (a * config.factor).sum().backward()
    return a.grad


if __name__ == "__main__":
    print(__name__, __package__, __spec__, __file__, sys.argv, sys.path[0])
    print(sys.modules["__main__"].__dict__ is globals(), inspect.getsource(train).count("\n"), type(__builtins__))
    print(train())
