"""The front end without a screen: command scripts, recording, and panes as printed text."""
