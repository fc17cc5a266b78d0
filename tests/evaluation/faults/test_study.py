from rl_router.evaluation.faults.study import Found, Variant, markdown


def found(name, rewards, share=0.0):
    return Found(
        variant=Variant(name=name, share=share), rewards=rewards, step_s=[9.0, 2.0, 2.0, 2.0],
        sent=dict.fromkeys(("timeout", "rate_limited", "unreadable", "tags", "megabyte"), 3),
        counted=dict.fromkeys(("timeout", "rate_limited", "unreadable", "tags", "megabyte"), 3.0),
    )  # fmt: skip


def test_the_second_half_is_compared_step_by_step_and_the_first_step_is_not_timed():
    text = markdown([found("calm", [0.1, 0.2, 0.5, 0.5]), found("wild", [0.1, 0.2, 0.25, 0.75], share=0.3)])
    calm, wild = text.splitlines()[2:4]
    assert calm == "| calm | 0.100 | 0.200 | 0.500 | 0.500 |  | 2.00 |"
    # Differences of -0.25 and +0.25: mean 0, standard deviation 0.3536, so 2 · 0.3536 / √2 = 0.5.
    assert wild == "| wild | 0.100 | 0.200 | 0.250 | 0.750 | +0.000 ± 0.500 | 2.00 |"
    assert "| timeout | 3 | 3 |" in text
