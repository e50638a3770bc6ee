"""Learning: a linear probe on a frozen trunk, then the last stages from cached views, or the whole network."""
