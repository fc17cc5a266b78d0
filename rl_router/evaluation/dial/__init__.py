"""The experiment that shows whether a cost dial works: seeds of one recipe, other rewards beside it, one table."""
