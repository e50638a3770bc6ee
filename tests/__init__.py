"""A package, so that `tests.servers` is ours wherever another distribution brings a `tests` of its own."""
