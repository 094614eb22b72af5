"""The mathematics of ops: what gradb says about a node's local derivative, in formulas and in numbers.

Plain tables over the tape's dataclasses; nothing here knows torch or how a pane looks.
"""

from gradb.rules.explain import Explanation, describe
from gradb.rules.table import lookup

__all__ = ["Explanation", "describe", "lookup"]
