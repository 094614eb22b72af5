"""What is shown, as text and as JSON: every pane is a pure function of a Frame.

``panes`` has one file a pane, ``lines`` what is said in a line or a few, ``draw`` how numbers, plots and fields are
laid out. It must not know a live script, the terminal or Textual.
"""
