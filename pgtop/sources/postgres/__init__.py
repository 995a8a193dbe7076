"""PostgreSQL, through psycopg: one connection that samples, reads details and sends signals."""
