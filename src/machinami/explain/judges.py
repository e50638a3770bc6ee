"""Which null models a lift must be clear of; the report reads this without the null models themselves."""

__all__ = ["JUDGES", "RULE"]

JUDGES = ("position", "permuted")  # the nulls of random networks are for comparison
RULE = (
    "distinguishable: the lift lies outside the bands of both position and permuted, on one side, and its excess over "
    "position in the same photos has an interval over blocks (twice as sure as the others) clear of 0, on that side"
)
