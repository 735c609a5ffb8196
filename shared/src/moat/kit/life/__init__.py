"""The life of one process: how it starts, what tells it to stop, and in which order it does."""
