"""How well places are told apart on ground that was never learned from, and how sure that is."""

from machinami.evaluate.figures import Outcome, evaluation_figures
from machinami.evaluate.intervals import Interval, count_blocks, statistic_interval
from machinami.evaluate.ledger import count_openings
from machinami.evaluate.predictions import Predictions, read_predictions, write_predictions

__all__ = [
    "Interval",
    "Outcome",
    "Predictions",
    "count_blocks",
    "count_openings",
    "evaluation_figures",
    "read_predictions",
    "statistic_interval",
    "write_predictions",
]
