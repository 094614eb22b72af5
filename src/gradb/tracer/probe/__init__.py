"""The local Jacobian of a node, measured outside of the engine: which nodes, how far, along what, how exactly."""
