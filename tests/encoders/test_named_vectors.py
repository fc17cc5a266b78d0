import numpy as np
import pytest

from rl_router.encoders.named_vectors import NamedVectors
from rl_router.errors import DataError


def test_vectors_come_back_with_their_names_and_what_they_are_made_of(tmp_path):
    vectors = np.array([[1, 2], [3, 4]], dtype=np.float32)
    named = NamedVectors(names=("a", "b/ü"), vectors=vectors, about={"encoder": "hashing:2"})
    named.write(tmp_path / "new" / "vectors.safetensors")
    again = NamedVectors.read(tmp_path / "new" / "vectors.safetensors")
    assert (again.names, again.about) == (("a", "b/ü"), {"encoder": "hashing:2"})
    np.testing.assert_array_equal(again.vectors, vectors)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["vectors.safetensors"]


def test_names_and_rows_must_be_as_many():
    with pytest.raises(DataError, match="3 names need as many vectors"):
        NamedVectors(names=("a", "b", "c"), vectors=np.eye(2), about={})


def test_what_holds_no_named_vectors_is_refused_in_one_sentence(tmp_path):
    from safetensors.numpy import save_file

    (tmp_path / "text").write_text("no tensors")
    save_file({"vectors": np.eye(2, dtype=np.float32)}, tmp_path / "nameless")
    for name in ("text", "nameless", "missing"):
        with pytest.raises(DataError, match="holds no named vectors") as error:
            NamedVectors.read(tmp_path / name)
        assert "\n" not in str(error.value)
