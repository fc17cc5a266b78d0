"""From benchmarks to routing tables and RL prompt sets: steps that one runs, each of which resumes where it ended."""
