"""HTTP: the app factory and everything that every door of it shares."""
