"""Events of clubs: places, and a waiting list in order."""
