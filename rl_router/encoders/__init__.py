"""Text to vectors: the features of a query, of a model or of a benchmark."""
