from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, strategies as st

from gradb.tape.values import Stats, TensorValue, decode, element_size
from tests.fakes import pack, value

RANGES = {
    "int64": (-(2**63), 2**63 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int8": (-128, 127),
    "uint8": (0, 255),
}
WIDTHS = {"float64": 64, "float32": 32, "float16": 16}


@pytest.mark.parametrize("dtype", RANGES)
@given(data=st.data())
def test_integers_come_back(dtype: str, data: st.DataObject) -> None:
    """Integers of every width come back as they were packed."""
    numbers = data.draw(st.lists(st.integers(*RANGES[dtype])))
    assert decode(pack(numbers, dtype), dtype) == numbers


@pytest.mark.parametrize(("dtype", "width"), WIDTHS.items())
@given(data=st.data())
def test_floats_come_back(dtype: str, width: int, data: st.DataObject) -> None:
    """Floats come back bit for bit, NaN and infinities included."""
    numbers = data.draw(st.lists(st.floats(width=width)))  # type: ignore[arg-type]
    assert list(map(repr, decode(pack(numbers, dtype), dtype))) == list(map(repr, numbers))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (0x3F80, 1.0),
        (0xC000, -2.0),
        (0x7F80, math.inf),
        (0xFF80, -math.inf),
        (0x3E20, 0.15625),
        (0x0001, 9.183549615799121e-41),
    ],
)
def test_bfloat16_is_the_upper_half_of_float32(words: int, expected: float) -> None:
    """A bfloat16 is decoded to the float32 with the same upper 16 bits."""
    assert decode(struct.pack("<H", words), "bfloat16") == [expected]
    assert pack([expected], "bfloat16") == struct.pack("<H", words)


def test_bfloat16_nan() -> None:
    """A bfloat16 NaN is a NaN."""
    assert math.isnan(decode(b"\xc0\x7f", "bfloat16")[0])  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["complex128", "complex64", "complex32"])
def test_complex_comes_back(dtype: str) -> None:
    """Complex numbers are pairs of floats of half the size."""
    numbers = [1 + 2j, -0.5j, complex(math.inf, 0)]
    assert decode(pack(numbers, dtype), dtype) == numbers


def test_bool_takes_any_byte_for_true() -> None:
    """A byte that is not zero is True, whatever it is."""
    assert decode(b"\x00\x01\xff", "bool") == [False, True, True]


@pytest.mark.parametrize("dtype", ["float32", "bool", "complex64", "bfloat16"])
def test_no_bytes_are_no_elements(dtype: str) -> None:
    """An empty tensor has no elements."""
    assert decode(b"", dtype) == []


def test_what_cannot_be_decoded_is_said() -> None:
    """An unknown dtype and a broken length are refused with a sentence."""
    assert element_size("float8_e4m3fn") is None
    with pytest.raises(ValueError, match="float8_e4m3fn cannot be decoded"):
        decode(b"\0", "float8_e4m3fn")
    with pytest.raises(ValueError, match="3 bytes are not a whole number of float32"):
        decode(b"\0\0\0", "float32")


def test_finiteness() -> None:
    """A value knows whether all of it is finite, or that it does not know."""
    assert value([1.0, 2.0]).is_finite is True
    assert value([1.0, math.nan]).is_finite is False
    assert value([complex(0, math.inf)], dtype="complex64").is_finite is False
    assert TensorValue((3,), "float32", None, None, "sparse_coo").is_finite is None
    assert TensorValue((9, 9), "float32", None, Stats(0, 1, math.nan, 1, 0, 0, ())).is_finite is False


def test_the_same_statistics_are_equal() -> None:
    """A NaN is the same as another one there, of whatever tape it was read."""

    def stats(mean: float, nan: int = 1) -> Stats:
        return Stats(0, 1, mean, nan, 0, 0, (float("nan"), complex("nanj")), 0, float("nan"))

    assert stats(float("nan")) == stats(float("nan"))
    assert hash(stats(float("nan"))) == hash(stats(float("nan")))
    assert stats(float("nan")) != stats(1.0)
    assert stats(1.0) != stats(1.0, nan=2)
    assert stats(1.0) != 1.0


def test_absurd_shape_of_stats_costs_nothing() -> None:
    """Statistics of a tensor of absurd size allocate nothing."""
    huge = TensorValue((2**62, 2**62, 2**62), "float32", None, Stats(0, 1, 0.5, 0, 0, 0, (0.5,)))
    assert huge.numbers() is None
    assert huge.numel == 2**186
    assert huge.is_finite is True
