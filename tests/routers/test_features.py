import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from rl_router.routers.features import make_features

TEXTS = [
    "the cat sat on the mat",
    "the dog ate the cat",
    "你好世界 你好",
    "a b c d e cat cat cat",
    "unheard of",
    "?",
]


@pytest.mark.parametrize(
    ("name", "options"),
    [("tfidf", {"ngram_range": (1, 2)}), ("chars", {"analyzer": "char", "ngram_range": (1, 3)})],
)
def test_terms_are_weighed_as_by_scikit_learn(name, options):
    reference = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **options).fit(TEXTS[:4])
    features = make_features(name).fit(TEXTS[:4])
    np.testing.assert_allclose(features(TEXTS).toarray(), reference.transform(TEXTS).toarray(), atol=1e-6)
    for text in TEXTS:
        np.testing.assert_allclose(features([text]).toarray(), reference.transform([text]).toarray(), atol=1e-6)


def test_projected_characters_tell_scripts_apart():
    vectors = make_features("lsa-chars:3").fit(TEXTS)(["the cat", "dog mat", "世界"])
    assert vectors[0] @ vectors[1] > 0.3 > vectors[0] @ vectors[2]
