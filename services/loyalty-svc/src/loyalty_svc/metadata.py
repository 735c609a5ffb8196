"""The tables of this service, by name; migrations make them and a test compares the two."""

from sqlalchemy import MetaData

metadata = MetaData()
