"""What each pane is told of what the user has selected: no more than it shows, so that no other change redraws it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradb.present.options import Options, Plot
from gradb.tui.judging import found_alone


def for_panes(options: Options, names: Iterable[str]) -> dict[str, Options]:
    """Return the options of each pane."""
    judged = replace(options, plot=Plot(), ghost=None, displayed=())
    of_its_own = {
        "training": replace(
            options, selected_node=None, chain=None, judged=found_alone(options.judged), displayed=()
        ),
        "findings": judged,
        "displays": Options(displayed=options.displayed),
    }  # fmt: skip
    return dict.fromkeys(names, replace(judged, judged=None)) | of_its_own
