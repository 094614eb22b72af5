"""The terminal app: widgets that show what ``present`` draws, and keys that run the debugger's commands.

Owns layout, focus and themes. It must not know how a pane is drawn, nor decide what a key does.
"""
