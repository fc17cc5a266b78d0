"""Every error a user can cause, as one tree: catch `RouterError`, print it, exit with `exit_code`.

A message says what was expected, what came, and what to do. Anything outside this tree is a bug in rl-router.
"""


class RouterError(Exception):
    """Root of the tree. The command line prints the message on one line and exits with `exit_code`."""

    exit_code = 2


class RecipeError(RouterError):
    """An unknown recipe, a misspelt key or a value outside its range."""


class DataError(RouterError):
    """A file of queries or a routing table that cannot be read or breaks its schema."""


class FaultsFoundError(RouterError):
    """`data check` found faults in a table; the report names them."""

    exit_code = 1


class PoolError(RouterError):
    """A model pool that cannot be built: a missing price, two models of one name, an unknown backend."""


class EncoderError(RouterError):
    """An encoder that does not exist, cannot be loaded or is not installed."""


class UnknownModelError(PoolError):
    """A model was named that the pool does not hold."""


class NotRecordedError(PoolError):
    """A replay pool was asked for an answer that nobody recorded. It never makes one up."""


class BudgetExceededError(RouterError):
    """A call would cost more than what is left of a budget."""

    exit_code = 3


class CheckpointError(RouterError):
    """A checkpoint, policy folder or run folder that is missing, truncated or of another shape."""


class NotFittedError(RouterError):
    """A router that has learned nothing yet was asked to route."""


class RunError(RouterError):
    """A training or evaluation process that did not end well."""

    exit_code = 1
