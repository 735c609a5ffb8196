"""Points that come of age, that are about to expire, and that expire."""
