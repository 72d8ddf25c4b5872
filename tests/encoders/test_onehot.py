"""One-hot conditioning."""

import pytest
import torch

from t2l_fast.encoders import OneHotEncoder, TextEncoder
from t2l_fast.errors import EncoderError

NAMES = ["antonyms", "plural", "sum"]


def test_each_name_has_its_row_of_the_identity_not_rescaled():
    encoder = OneHotEncoder(NAMES)
    assert isinstance(encoder, TextEncoder) and encoder.dim == 3
    rows = encoder.encode(["sum", "antonyms", "sum"])
    assert rows.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]] and rows.dtype == torch.float32
    assert encoder.encode([]).shape == (0, 3)


def test_the_name_tells_lists_of_tasks_apart():
    assert OneHotEncoder(NAMES).name == OneHotEncoder(list(NAMES)).name
    assert OneHotEncoder(NAMES).name != OneHotEncoder(NAMES[::-1]).name


def test_an_unknown_name_is_refused_with_near_ones():
    with pytest.raises(EncoderError, match=r"3 tasks .* got 'plurals': near it are plural"):
        OneHotEncoder(NAMES).encode(["sum", "plurals"])


@pytest.mark.parametrize("names", [[], ["a", "b", "a"], "abc"], ids=["none", "twice", "one string"])
def test_names_must_be_different_and_some(names):
    with pytest.raises(EncoderError, match="at least one and all different"):
        OneHotEncoder(names)


def test_one_string_is_no_list_of_names():
    with pytest.raises(EncoderError, match="sequence of strings"):
        OneHotEncoder(NAMES).encode("sum")
