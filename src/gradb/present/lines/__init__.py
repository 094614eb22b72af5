"""What is said in a line or a few, and panes are made of: where we are, a call, a step, a local derivative."""
