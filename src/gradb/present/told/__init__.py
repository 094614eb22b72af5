"""A run told in sentences, for a pipe, a log and a screen reader: what the panes show, without columns or drawings.

Pure functions of Frames, made of what the panes are made of. Where the lines go it must not know.
"""
