"""What a pane is told besides the Frame: the room it has and what the user has selected."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.frame import Chain


@dataclass(frozen=True, slots=True)
class Options:
    """Room and selection."""

    width: int = 80
    """Cells a line may take."""
    height: int | None = None
    """Lines there are; None for as many as it takes."""
    selected_node: int | None = None
    """Node id selected in the graph; None follows the position."""
    with_quiet: bool = False
    """Show data preparation and initialisation as well."""
    chain: Chain | None = None
    """Chain record of the selected node; None takes the Frame's."""
