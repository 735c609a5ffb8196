"""Undoing a merge: two customers who were one are two again, by what was kept of them and by what came since."""
