"""What stops `make run` for a reason a person can do something about."""


class Trouble(Exception):
    """The text is one clear sentence or two: what is wrong and what to do."""
