"""The gateway's own tables, as names and documentation; migrations write the DDL."""

from sqlalchemy import MetaData

metadata = MetaData()
