"""How many blocks, and how much of a picture, bear what: the thresholds of every statement, in one place."""

__all__ = ["AREA_FOR_FINDING", "BLOCKS_FOR_BOOTSTRAP", "BLOCKS_FOR_FINDING", "BLOCKS_FOR_TRUST", "BLOCKS_OF_A_PLACE"]

BLOCKS_FOR_FINDING = 3  # with fewer, a lift is a number in a table and nothing is said to give a place away
AREA_FOR_FINDING = 1 / 49  # a cell of a 7 × 7 heatmap; what is smaller on average takes its heat from its neighbours
BLOCKS_FOR_BOOTSTRAP = 10  # with fewer there are too few different draws: Student's t serves
BLOCKS_OF_A_PLACE = 5  # with fewer of one place, likewise: two blocks can be drawn in three ways
BLOCKS_FOR_TRUST = 20  # with fewer, block intervals are known to be too short: they are called rough
