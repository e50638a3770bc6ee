"""Which null models a lift must be clear of; the report reads this without the null models themselves."""

__all__ = ["JUDGES", "RULE"]

JUDGES = ("position", "permuted")  # the nulls of random networks are for comparison
RULE = "distinguishable: the interval of the lift lies clear of the bands of both position and permuted, on one side"
