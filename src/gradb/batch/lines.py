"""JSON as one line of text that is safe on a terminal: nothing in it moves a cursor or hides."""

from __future__ import annotations

import json
import re
from typing import Any

_ACTIVE = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb]"
)


def line(value: Any) -> str:
    """Return a value as one line of JSON, with control characters and invisible ones as numbered escapes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _ACTIVE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
