"""The colours of the places."""

__all__ = ["PLACE_COLOURS"]

PLACE_COLOURS = (
    ("#0b6e99", "#4fabd3"),  # on paper, on dark paper
    ("#d1602f", "#e88d62"),
    ("#3f7d3a", "#78b872"),
    ("#8a4fa0", "#bb8ecf"),
    ("#b8860b", "#d9ae45"),
    ("#5b6770", "#98a5af"),
    ("#a23b5b", "#d9829c"),
    ("#2f7f86", "#6bb8be"),
    ("#7a5c2e", "#b99a68"),
    ("#4b5fa8", "#8f9fdc"),
)
