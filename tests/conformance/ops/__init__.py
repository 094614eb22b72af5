"""gradb held against PyTorch's own database of ops: each op that autograd can differentiate, plainly and traced."""
