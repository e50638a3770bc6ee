"""Where photos come from: one module for each provider, and the made town."""
