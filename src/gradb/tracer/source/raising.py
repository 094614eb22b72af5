"""Who raised an exception: torch, or a ``raise`` of somebody else's, whose words may be anybody's."""

from __future__ import annotations

import dis

_RAISING = dis.opmap["RAISE_VARARGS"]


def is_raised(error: BaseException, torch: str) -> bool:
    """Tell whether a ``raise`` in Python code outside of the folder of torch made an exception."""
    traceback = error.__traceback__
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code, at = traceback.tb_frame.f_code, traceback.tb_lasti
    return not code.co_filename.startswith(torch) and code.co_code[at : at + 1] == bytes((_RAISING,))
