"""The tables of notify-svc, by name; migrations make them, a test compares the two."""

from sqlalchemy import MetaData

metadata = MetaData()
