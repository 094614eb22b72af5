"""gradb held against PyTorch's own database of ops: every op that autograd can differentiate, run plainly and traced."""
