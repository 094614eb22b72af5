"""Conditions of breakpoints: whether an event is one to stop at, by all that it says and the series up to it.

One piece of code decides in the script's process, where events come one after the other (``lookout``), and on a tape
(``frame.search``). It sees a header, what reads the event's detail where that is needed, and the newest points of the
series; it keeps no state, and must know neither.
"""
