"""Reviews: awards that a velocity guard holds are given or turned down by a person, and each cut award says why."""
