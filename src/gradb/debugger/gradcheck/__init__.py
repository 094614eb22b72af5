"""The numerical check of one element: the script is run again with it changed by a little."""
