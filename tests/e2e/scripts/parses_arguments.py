import argparse

import torch

parser = argparse.ArgumentParser()
parser.add_argument("-o", "--output")
parser.add_argument("-m", type=float)
parser.add_argument("--at", type=int)
parser.add_argument("rest", nargs="*")
options = parser.parse_args()
a = torch.ones(2, requires_grad=True)
(a * options.m).sum().backward()
print(parser.prog, options, a.grad)
