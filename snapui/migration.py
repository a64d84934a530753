"""Brings the tables of an older journal up to date: columns are only ever added."""

from collections.abc import Sequence

import peewee
from playhouse.migrate import PostgresqlMigrator, SqliteMigrator, migrate


def add_missing_columns(database: peewee.Database, tables: Sequence[type[peewee.Model]]) -> None:
    """Add the columns a journal lacks, filled with their defaults."""
    migrator = (SqliteMigrator if isinstance(database, peewee.SqliteDatabase)
                else PostgresqlMigrator)(database)
    for table in tables:
        name = table._meta.table_name
        known = {column.name for column in database.get_columns(name)}
        migrate(*(migrator.add_column(name, field.column_name, field)
                  for field in table._meta.sorted_fields if field.column_name not in known))
