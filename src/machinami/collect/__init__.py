"""How photos come into the catalogue."""
