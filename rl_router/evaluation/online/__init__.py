"""A learning router on a stream of recorded answers: regret, recovery after a change, and estimates made beforehand."""
