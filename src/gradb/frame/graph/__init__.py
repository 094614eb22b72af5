"""The grad_fn graph at a position: which nodes are shown, as which tree, in which state, and which backward ran."""
