"""From what was seen to an event on the tape: numbers, iterations, depth, the gate that holds the script, failures.

It must not know how torch is watched.
"""
