"""What is watched, one thing a file: calls, the engine, gradients, optimizers, hooks, scopes; ``tracing`` is all of it.

Each is a context that leaves torch as it found it. It must not know the tape's file.
"""
