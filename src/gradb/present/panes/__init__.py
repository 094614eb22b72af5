"""The panes, one file each, and their table."""
