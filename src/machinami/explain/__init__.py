"""What gives a place away: heatmaps, and statements about regions over many photos."""
