"""RouterDC must place queries by the models that answer them, where ties would mislead a classifier."""

import numpy as np

from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.routerdc import RouterDc, cluster, embed

QUICK = Schedule(learning_rate=0.01, batch_size=32, max_epochs=30)


def three(colour, shape):
    """`always` is right on half of everything; each of the others on one colour, whatever the shape."""
    return {"always": shape == "round", "blue": colour == "blue", "red": colour == "red"}


def test_the_contrast_finds_the_specialist_of_each_colour(planted, routed, single):
    table = planted(three)
    router = RouterDc(features="lsa:16", width=16, positives=1, negatives=1, training=QUICK)
    router.fit(table.select(split="train"))
    assert routed(router, table) > 0.97
    assert single(table) < 0.65


def test_scores_keep_the_order_of_the_cosines_and_mean_what_the_table_says(planted):
    table = planted(three)
    router = RouterDc(features="lsa:16", width=16, task_weight=1.0, training=QUICK).fit(table.select(split="train"))
    queries = table.queries("test")
    vectors = router.features_([query.text for query in queries])
    similarity = router._similarity(vectors)
    assert (np.abs(similarity) <= 1 / router.temperature + 1e-6).all()
    assert (similarity.argmax(axis=1) == router.scores(queries).argmax(axis=1)).all()
    found, true = router.scores(queries), table.matrix("score", [query.query_id for query in queries], router.models_)
    assert abs(found.mean() - true.mean()) < 0.1


def test_a_sample_sample_loss_alone_gathers_queries_of_one_task(planted):
    """Without a model loss that tells anything (all models alike), only the task contrast can move the queries."""
    table = planted(lambda colour, shape: {"a": True, "b": True})
    router = RouterDc(features="lsa:16", width=16, task_weight=1.0, cluster_weight=0.0, training=QUICK)
    router.fit(table.select(split="train"))
    queries = table.queries("test")
    found = embed(router._network, router.features_([query.text for query in queries]))
    own = np.array([[a.task == b.task for b in queries] for a in queries])
    cosines = found @ found.T
    assert cosines[own].mean() > cosines[~own].mean() + 0.5


def test_clusters_are_those_of_the_vectors():
    vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]], dtype=np.float32)
    first, second, third, fourth = cluster(vectors, 2, seed=0)
    assert first == second != third == fourth
