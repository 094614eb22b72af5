"""Evaluates an expression of the user's in the frame that the script is held in, and leaves as little of it as can be.

Nothing of it is recorded but the answer. What was moved by it is put back where that can be done, and told where not.
"""
