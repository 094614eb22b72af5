"""Numbers without a tape: local derivatives, Jacobians, their structure, finite differences, and numbers as text.

Owns the arithmetic of the chain rule and its tolerances. It takes plain values, and must not know tapes, Frames or
screens.
"""
