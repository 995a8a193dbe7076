"""The databases, roles and tables of the demo.

No client's role is a superuser, so that `dba` may cancel and terminate all of them.
"""

import asyncio
from dataclasses import dataclass
from typing import LiteralString

from psycopg import AsyncConnection, sql

DBA = "dba"
"""The role for pgtop: not a superuser, but with the rights that pgtop recommends, and a reserved
slot, so that it can connect to a full server."""

SETTINGS = {
    "max_connections": "60",
    "superuser_reserved_connections": "3",
    "reserved_connections": "2",
    "shared_buffers": "16MB",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "track_activity_query_size": "4096",
    "jit": "off",
    "scram_iterations": "512",  # thirty logins at once are part of the start-up time
}

LEAK_LIMIT = 22
"""Connections of the leaking role: an ordinary slot or two stay free for killed clients to
reconnect.
"""

_ROLES = """
CREATE ROLE app NOLOGIN;
CREATE ROLE web LOGIN IN ROLE app;
CREATE ROLE api LOGIN IN ROLE app CONNECTION LIMIT {leak_limit};
CREATE ROLE worker LOGIN IN ROLE app;
CREATE ROLE report LOGIN IN ROLE app;
CREATE ROLE importer LOGIN IN ROLE app;
CREATE ROLE guest LOGIN IN ROLE app;
CREATE ROLE dba LOGIN IN ROLE pg_monitor, pg_signal_backend, pg_use_reserved_connections;
ALTER ROLE web PASSWORD {password};
ALTER ROLE api PASSWORD {password};
ALTER ROLE worker PASSWORD {password};
ALTER ROLE report PASSWORD {password};
ALTER ROLE importer PASSWORD {password};
ALTER ROLE guest PASSWORD {password};
ALTER ROLE dba PASSWORD {password};
"""

_GRANTS = """
GRANT ALL ON ALL TABLES IN SCHEMA public TO app;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app;
"""

_SHOP = """
CREATE TABLE customers
    (id int PRIMARY KEY, name text, email text, region text, last_seen timestamptz);
INSERT INTO customers
    SELECT n, 'Customer ' || n, 'c' || n || '@example.com',
        (ARRAY['north', 'south', 'east', 'west'])[n % 4 + 1], now()
    FROM generate_series(1, 500) AS n;
CREATE TABLE products
    (id int PRIMARY KEY, sku text UNIQUE, title text, category text, price numeric);
INSERT INTO products
    SELECT n, 'SKU-' || n, 'Product ' || n, (ARRAY['books', 'tools', 'toys'])[n % 3 + 1], 5 + n % 90
    FROM generate_series(1, 300) AS n;
CREATE TABLE inventory (sku text PRIMARY KEY, on_hand int, reserved int);
INSERT INTO inventory SELECT 'SKU-' || n, 100, 0 FROM generate_series(1, 300) AS n;
CREATE TABLE orders (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, customer_id int, status text,
    total numeric, placed_at timestamptz DEFAULT now());
INSERT INTO orders (customer_id, status, total)
    SELECT n % 500 + 1, 'open', 20 + n % 200 FROM generate_series(1, 400) AS n;
CREATE INDEX ON orders (customer_id);
CREATE TABLE carts (customer_id int PRIMARY KEY, items int, updated_at timestamptz);
INSERT INTO carts SELECT n, n % 7, now() FROM generate_series(1, 500) AS n;
CREATE FUNCTION shipping_quote(customer int) RETURNS numeric LANGUAGE sql
    AS 'SELECT 4.90 + customer % 3 FROM pg_sleep(0.05 + random() * 0.5)';
CREATE FUNCTION card_check(customer int) RETURNS text LANGUAGE sql
    AS $$SELECT 'approved' FROM pg_sleep(0.1 + random() * 0.7)$$;
"""

_BILLING = """
CREATE TABLE invoices (id int PRIMARY KEY, customer text, amount numeric, due date, paid bool);
INSERT INTO invoices
    SELECT n, 'Customer ' || n, 30 + n, current_date + n % 30, n % 5 = 0
    FROM generate_series(1, 400) AS n;
CREATE TABLE payments
    (provider_ref text PRIMARY KEY, invoice_id int, amount numeric, booked_at timestamptz);
INSERT INTO payments SELECT 'pay_' || n, n, 30 + n, now() FROM generate_series(1, 400) AS n;
"""

_WAREHOUSE = """
CREATE TABLE sites (code text PRIMARY KEY, name text);
INSERT INTO sites VALUES
    ('ORL', 'Entrepôt Orléans'), ('ZRH', 'Lager Zürich'), ('MAL', 'Almacén Málaga');
CREATE TABLE products (sku text PRIMARY KEY, category text);
INSERT INTO products
    SELECT 'SKU-' || n, (ARRAY['books', 'tools', 'toys'])[n % 3 + 1]
    FROM generate_series(1, 500) AS n;
CREATE TABLE sales
    (id int PRIMARY KEY, sku text, region text, amount numeric, currency text, sold_on date);
INSERT INTO sales
    SELECT n, 'SKU-' || n % 500, 'region ' || n % 9, n % 250,
        (ARRAY['EUR', 'CHF', 'GBP'])[n % 3 + 1], current_date - n % 30
    FROM generate_series(1, 2000) AS n;
-- few rows per page, as parallel workers share a table by its pages
CREATE TABLE movements (id int PRIMARY KEY, sku text, site text, quantity int, moved_at timestamptz)
    WITH (fillfactor = 10, parallel_workers = 2);
INSERT INTO movements
    SELECT n, 'SKU-' || n % 500, (ARRAY['ORL', 'ZRH', 'MAL'])[n % 3 + 1], n % 40, now()
    FROM generate_series(1, 240) AS n;
CREATE FUNCTION exchange_rate(currency text, day date) RETURNS numeric LANGUAGE sql
    AS 'SELECT 1.07 FROM pg_sleep(0.5)';
CREATE FUNCTION demand_score(quantity int) RETURNS float LANGUAGE sql PARALLEL SAFE COST 100000
    AS 'SELECT quantity * 1.3 FROM pg_sleep(0.1)';
"""


@dataclass(frozen=True)
class _Database:
    name: str
    create: LiteralString
    contents: LiteralString


_DATABASES = (
    _Database("shop", "CREATE DATABASE shop", _SHOP),
    _Database("billing", "CREATE DATABASE billing", _BILLING),
    # An encoding of its own, in which the texts of its sessions arrive, accents and all.
    _Database(
        "warehouse",
        "CREATE DATABASE warehouse TEMPLATE template0 ENCODING 'LATIN1' CONNECTION LIMIT 12",
        _WAREHOUSE,
    ),
)


async def build(superuser_dsn: str, password: str) -> None:
    """Create the roles, all with this password, and the filled databases on an empty cluster."""
    async with await AsyncConnection.connect(
        superuser_dsn, autocommit=True
    ) as connection:
        await connection.execute(_roles(password))
        for database in _DATABASES:
            await connection.execute(database.create)
    await asyncio.gather(*[_fill(superuser_dsn, database) for database in _DATABASES])


def _roles(password: str) -> sql.Composed:
    return sql.SQL(_ROLES).format(
        password=sql.Literal(password), leak_limit=sql.Literal(LEAK_LIMIT)
    )


async def _fill(superuser_dsn: str, database: _Database) -> None:
    async with await AsyncConnection.connect(
        superuser_dsn, dbname=database.name
    ) as connection:
        await connection.execute(database.contents + _GRANTS)
