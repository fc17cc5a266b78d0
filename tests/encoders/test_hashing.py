import numpy as np
import pytest

from rl_router.encoders import make_encoder
from rl_router.errors import EncoderError


def test_rows_are_float32_of_length_one_and_an_empty_text_is_zeros():
    rows = make_encoder("hashing:64").encode(["two words", "2 + 2", ""])
    assert rows.dtype == np.float32 and rows.shape == (3, 64)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1.0, 1.0, 0.0])


def test_texts_that_share_words_are_closer_than_those_that_share_none():
    a, b, c = make_encoder("hashing").encode(["the capital of France", "the capital of Spain", "sort these numbers"])
    assert a @ b > 0.3 > abs(a @ c)


def test_word_order_counts_and_case_does_not():
    a, b, c = make_encoder("hashing").encode(["dog bites man", "Dog Bites Man", "man bites dog"])
    assert a @ b == pytest.approx(1.0)
    # three words shared, two pairs of two each not: 3 of 5 places
    assert a @ c == pytest.approx(3 / 5)


def test_the_vector_of_a_text_does_not_depend_on_its_neighbours_or_the_process():
    encoder = make_encoder("hashing:8")
    alone, among = encoder.encode(["one"]), encoder.encode(["a longer text than that", "one"])
    np.testing.assert_array_equal(alone[0], among[1])
    assert np.flatnonzero(alone[0]).tolist() == [4]  # murmurhash3 of "one" modulo 8, the same on every machine


def test_no_texts_are_a_matrix_without_rows():
    assert make_encoder("hashing:16").encode([]).shape == (0, 16)


def test_a_name_makes_the_encoder_again():
    assert make_encoder("hashing").name == "hashing:1024"
    assert make_encoder(make_encoder("hashing:32").name) == make_encoder("hashing:32")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hashhing", "did you mean 'hashing'?"),
        ("bert-base", "use hashing[:DIM], model2vec:FOLDER_OR_NAME, st:"),
        ("hashing:many", "needs its number of dimensions, as in hashing:256"),
        ("hashing:0", "needs its number of dimensions"),
        ("st", "needs the folder or hub name of a model: st:FOLDER_OR_NAME"),
        ("st:/no/such/folder", "There is no folder /no/such/folder for the encoder st:/no/such/folder"),
    ],
)
def test_an_unknown_encoder_is_refused_in_one_sentence(name, says):
    with pytest.raises(EncoderError) as error:
        make_encoder(name)
    assert says in str(error.value) and "\n" not in str(error.value)
