"""Where a NaN was born, without a screen: the paragraph and the road as text or JSON."""

from __future__ import annotations

from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.present.draw.text import to_text
from gradb.present.json.why import why_json
from gradb.present.lines.why import drawn


def why_text(found: Explanation | Nothing, style: Style) -> str:
    """Return what was found as text that ends with a line end."""
    if style.is_json:
        return line(why_json(found)) + "\n"
    return to_text(drawn(found, max(style.width, 20)), style.width, is_coloured=style.is_coloured)
