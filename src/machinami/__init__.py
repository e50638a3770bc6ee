"""Machinami (街並み): tells places apart from street photos, and shows what gives each place away."""

__version__ = "0.1.0.dev0"
