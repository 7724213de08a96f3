"""The database built twice: as the migrations make it, and as the sources say it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg

from devstack import migrations
from devstack.postgres import Postgres
from scripts.catalog import Catalog, describe
from scripts.sources import source_files


def build_both_ways() -> tuple[Catalog, Catalog]:
    """Apply the migrations to one empty database and the sources to another.

    Returns:
        The catalog of the migrations, the catalog of the sources.
    """
    with tempfile.TemporaryDirectory() as folder, Postgres(Path(folder)) as server:
        with psycopg.connect(
            server.url("supabase_admin"), dbname="template1", autocommit=True
        ) as c:
            c.execute("create database sources template postgres owner postgres")

        migrations.push(server.url())
        with psycopg.connect(server.url()) as migrated:
            by_migrations = describe(migrated)

        with psycopg.connect(server.url(), dbname="sources") as sourced:
            for file in source_files():
                sourced.execute(file.read_bytes())
            return by_migrations, describe(sourced)
