import torch

from . import FACTOR


def loss(a):
    return (a * FACTOR).sum()
