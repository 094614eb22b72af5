"""The structure of a matrix: what it says in fewer numbers than it has, and the matrix again from that.

Pure functions on lists of Python numbers, real or complex. Rows are outputs, columns are inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gradb.algebra.local import Block, Local
from gradb.tape.values import Number

_Entries = list[tuple[int, int, Number]]


def recognise(matrix: Sequence[Number], rows: int, columns: int) -> Local:
    """Return the narrowest structure that a row-major matrix has."""
    entries = [(index // columns, index % columns, value) for index, value in enumerate(matrix) if value != 0]
    if not entries:
        return Local("zero", rows, columns, ())
    if rows == columns and all(row == column for row, column, _ in entries):
        return _diagonal([matrix[index * columns + index] for index in range(rows)])
    weight = entries[0][2]
    if all(value == weight for _, _, value in entries):
        found = _of_one_weight(entries, rows, columns, matrix)
        if found is not None:
            return found
    return _block(entries, rows, columns, matrix) or Local("dense", rows, columns, tuple(matrix))


def _diagonal(values: list[Number]) -> Local:
    size = len(values)
    if all(value == values[0] for value in values):
        if values[0] == 1:
            return Local("identity", size, size, ())
        return Local("scalar", size, size, (values[0],))
    return Local("diagonal", size, size, tuple(values))


def _of_one_weight(entries: _Entries, rows: int, columns: int, matrix: Sequence[Number]) -> Local | None:
    """Return the structure of a matrix whose entries are all the same number, if it has one."""
    weight = entries[0][2]
    column_of = {row: column for row, column, _ in entries}
    if len(column_of) == len(entries):
        where = tuple(column_of.get(row, -1) for row in range(rows))
        uses = Counter(where)
        if weight == 1 and rows == columns == len(uses) and -1 not in uses:
            return Local("permutation", rows, columns, tuple(matrix), where=where)
        is_even = -1 not in uses and len(uses) == columns and len(set(uses.values())) == 1
        if is_even and rows > columns:
            return Local("expansion", rows, columns, (weight,), where=where)
        if weight == 1:
            return Local("selection", rows, columns, tuple(matrix), where=where)
    row_of = {column: row for row, column, _ in entries}
    if len(row_of) == len(entries) == columns:
        return Local("sum", rows, columns, (weight,), where=tuple(row_of[column] for column in range(columns)))
    return None


def _block(entries: _Entries, rows: int, columns: int, matrix: Sequence[Number]) -> Local | None:
    """Return the matrix as parts of one size that share no row and no column, where there are several."""
    if len(entries) * 2 > rows * columns:
        return None
    parts = _parts(entries)
    sizes = {(len(part_rows), len(part_columns)) for part_rows, part_columns in parts}
    if len(parts) < 2 or len(sizes) > 1 or sizes == {(1, 1)}:
        return None
    blocks = tuple(
        Block(
            part_rows,
            part_columns,
            tuple(matrix[row * columns + column] for row in part_rows for column in part_columns),
        )
        for part_rows, part_columns in parts
    )
    return Local("block", rows, columns, tuple(matrix), blocks=blocks)


def _parts(entries: _Entries) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return (rows, columns) of each connected part, ordered by the first row."""
    columns_of: dict[int, list[int]] = {}
    for row, column, _ in entries:
        columns_of.setdefault(row, []).append(column)
    rows_with: dict[tuple[int, ...], list[int]] = {}  # rows of the same columns belong together at once
    for row, found in columns_of.items():
        rows_with.setdefault(tuple(found), []).append(row)
    parent: dict[int, int] = {}
    for found_columns in rows_with:
        first = _root(parent, found_columns[0])
        for column in found_columns[1:]:
            parent[_root(parent, column)] = first
    grouped: dict[int, tuple[list[int], set[int]]] = {}
    for found_columns, found_rows in rows_with.items():
        part = grouped.setdefault(_root(parent, found_columns[0]), ([], set()))
        part[0].extend(found_rows)
        part[1].update(found_columns)
    return sorted(
        (tuple(sorted(part_rows)), tuple(sorted(part_columns))) for part_rows, part_columns in grouped.values()
    )


def _root(parent: dict[int, int], item: int) -> int:
    """Return what stands for the set that an item is in (union-find, halving the way up)."""
    while (above := parent.setdefault(item, item)) != item:
        parent[item] = item = parent[above]
    return item


def expand(local: Local) -> list[Number]:
    """Return the row-major matrix that a structure says.

    Raises:
        ValueError: it is unknown.
    """
    rows, columns, values = local.rows, local.columns, local.values
    if values is None:
        raise ValueError("an unknown local derivative has no matrix")
    matrix: list[Number] = [0.0] * (rows * columns)
    match local.structure:
        case "identity" | "scalar" | "diagonal":
            for index in range(rows):
                matrix[index * columns + index] = values[index if len(values) > 1 else 0] if values else 1
        case "permutation" | "selection" | "expansion":
            for row, column in enumerate(local.where):
                if column >= 0:
                    matrix[row * columns + column] = values[0] if local.structure == "expansion" else 1
        case "sum":
            for column, row in enumerate(local.where):
                matrix[row * columns + column] = values[0]
        case "block":
            for block in local.blocks:
                numbers = iter(block.values)
                for row in block.rows:
                    for column in block.columns:
                        matrix[row * columns + column] = next(numbers)
        case "dense":
            return list(values)
    return matrix
