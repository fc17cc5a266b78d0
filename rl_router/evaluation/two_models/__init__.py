"""A weak and a strong model and a router between them: RouteLLM's setting, with its metrics for any saved router."""
