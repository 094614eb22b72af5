"""Prints layouts, flags and kinds of events as a C header: ``python -m gradb.log.header > .../native/layouts.h``."""

from __future__ import annotations

from gradb.log.layouts import ABSENT, ALIGNMENT, LAYOUTS, NO_NUMBER, NOWHERE, Layout
from gradb.tape.conditions.program import FIELDS, MOST_HIGH, Code
from gradb.tape.kinds.registry import CODES, Kind
from gradb.tape.schema import BIRTH, GRAD_OFF, INFERENCE, INFINITY, NAN, QUIET, SCALED

_TYPES = {"B": "uint8_t", "H": "uint16_t", "I": "uint32_t", "i": "int32_t", "q": "int64_t", "d": "double"}
_TOP = f"""\
/* How records lie in the log: printed from gradb.log.layouts by gradb.log.header, not written by hand. */

#ifndef GRADB_LAYOUTS_H
#define GRADB_LAYOUTS_H

#include <stdint.h>

#define ABSENT UINT32_C({ABSENT})
#define NO_NUMBER INT64_MIN
#define NOWHERE ({NOWHERE})
#define ALIGNMENT {ALIGNMENT}
"""
_FLAGS = {"QUIET": QUIET, "NANS": NAN, "INFINITIES": INFINITY, "BIRTH": BIRTH, "GRAD_OFF": GRAD_OFF,
          "INFERENCE": INFERENCE, "SCALED": SCALED}  # fmt: skip
_KINDS: tuple[Kind, ...] = (
    "leaf", "op", "backward_start", "node_start", "node", "accumulate", "backward_end", "zero_grad", "grad_change",
    "step", "depth",
)  # fmt: skip
assert NO_NUMBER == -(2**63)


def header() -> str:
    """Return the text of the header."""
    return _TOP + _flags() + _kinds() + _steps() + "".join(map(_layout, LAYOUTS.values())) + "\n#endif\n"


def _flags() -> str:
    values = ", ".join(f"{name} = {value}" for name, value in _FLAGS.items())
    return f"\n/* Flags of events, as in gradb.tape.schema. */\nenum {{ {values} }};\n"


def _kinds() -> str:
    values = ", ".join(f"{kind.upper()}_KIND = {CODES[kind]}" for kind in _KINDS)
    return f"\n/* Numbers of the kinds that C knows, as in gradb.tape.kinds.registry. */\nenum {{ {values} }};\n"


def _steps() -> str:
    codes = ", ".join(f"DO_{code.name} = {code}" for code in Code)
    fields = ", ".join(f"FIELD_{name.upper()} = {number}" for number, name in enumerate(FIELDS))
    where = "as in gradb.tape.conditions.program"
    return (
        f"\n/* Steps of conditions, {where}, and the fields of headers that they push. */\n"
        f"enum {{ {codes} }};\nenum {{ {fields} }};\n#define MOST_HIGH {MOST_HIGH}\n"
    )


def _layout(layout: Layout) -> str:
    fields = ["uint32_t length", "uint16_t code", "uint16_t zero"]
    fields += [f"{_TYPES[letter]} {name}" for letter, name in layout.fields]
    fields += [f"uint32_t {name}_size" for name in layout.part_names]
    name = layout.name.capitalize()
    lines = "".join(f"    {field};\n" for field in fields)
    return (
        f"\n#define {layout.name.upper()}_CODE {layout.code}\n"
        f"typedef struct __attribute__((packed)) {{\n{lines}}} {name}Record;\n"
        f'_Static_assert(sizeof({name}Record) == {layout.size}, "{layout.name}");\n'
    )


if __name__ == "__main__":
    print(header(), end="")
