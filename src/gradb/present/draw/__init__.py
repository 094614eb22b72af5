"""How things are laid out as text: numbers, matrices, fields, plots, styles. It must not know a Frame's meaning."""
