"""The SQLAlchemy metadata of this service's own tables; the migrations make them, a test compares the two."""

from sqlalchemy import MetaData

metadata = MetaData()
