"""The statements of the demo's applications."""

from typing import LiteralString

PAGES: tuple[LiteralString, ...] = (
    """\
SELECT o.id, o.status, o.total, shipping_quote(o.customer_id) AS shipping
FROM orders AS o
WHERE o.customer_id = %s
ORDER BY o.placed_at DESC
LIMIT 1""",
    """\
SELECT c.name, c.email, k.items, shipping_quote(c.id) AS shipping
FROM customers AS c
JOIN carts AS k ON k.customer_id = c.id
WHERE c.id = %s""",
    """\
UPDATE carts
SET items = items + 1, updated_at = now()
WHERE customer_id = %s
RETURNING items""",
    """\
SELECT p.sku, p.title, p.price, i.on_hand - i.reserved AS available
FROM products AS p
JOIN inventory AS i USING (sku)
WHERE p.category = (ARRAY['books', 'tools', 'toys'])[%s %% 3 + 1]
ORDER BY p.price
LIMIT 20""",
    """\
SELECT card_check(customer_id) AS outcome, total
FROM orders
WHERE customer_id = %s
LIMIT 1""",
    """\
SELECT region, count(*) AS customers, max(last_seen) AS last_seen
FROM customers
WHERE id <= %s
GROUP BY region""",
    """\
INSERT INTO orders (customer_id, status, total)
VALUES (%s, 'open', 49.90)
RETURNING id, pg_notify('order_events', id::text)""",
)

LOOK_UP: LiteralString = """\
SELECT id, title, price
FROM products
WHERE id = %s"""

DUNNING: LiteralString = """\
SELECT id, customer, amount
FROM invoices
WHERE NOT paid AND due < current_date + %s"""

LOGIN: LiteralString = """\
SELECT c.id, c.name, c.region, count(o.id) AS open_orders
FROM customers AS c
LEFT JOIN orders AS o ON o.customer_id = c.id AND o.status = 'open'
WHERE c.id = %s
GROUP BY c.id"""

MONTH_END: LiteralString = """\
-- revenue of the month, by region and category, in euro
SELECT s.region,
       p.category,
       count(*) AS sales,
       sum(s.amount * exchange_rate(s.currency, s.sold_on)) AS revenue
FROM sales AS s
CROSS JOIN products AS p
WHERE s.sold_on >= current_date - 31
GROUP BY s.region, p.category
ORDER BY revenue DESC"""

STOCK_COUNT: LiteralString = """\
UPDATE inventory
SET on_hand = on_hand - 1
WHERE sku IN ('SKU-1', 'SKU-3')"""

PICK_FIRST: LiteralString = """\
UPDATE inventory
SET reserved = reserved + 1
WHERE sku = 'SKU-2'"""

PICK_SECOND: LiteralString = """\
UPDATE inventory
SET reserved = reserved + 1
WHERE sku = 'SKU-1'"""

RESERVE: LiteralString = """\
UPDATE inventory
SET reserved = reserved + 2
WHERE sku = 'SKU-2'
RETURNING on_hand - reserved AS available"""

ADJUST: LiteralString = """\
SELECT sku, on_hand, reserved
FROM inventory
WHERE sku = 'SKU-3'
FOR UPDATE"""

OPEN_INVOICE: LiteralString = """\
SELECT id, customer, amount, due
FROM invoices
WHERE id = 311
FOR UPDATE"""

IMPORT: LiteralString = """\
INSERT INTO movements (id, sku, site, quantity, moved_at)
SELECT 100000 + row_number() OVER (), p.sku, s.code, 1, now()
FROM products AS p
JOIN sites AS s ON s.name IN ('Entrepôt Orléans', 'Lager Zürich')"""

BOOK: LiteralString = """\
INSERT INTO payments (provider_ref, invoice_id, amount, booked_at)
VALUES ('pay_17', 17, 47.00, now())"""

FORECAST: LiteralString = """\
SELECT site, sku, sum(quantity) AS demand
FROM movements
WHERE demand_score(quantity) > 2
GROUP BY site, sku
ORDER BY demand DESC
LIMIT 50"""

HOSTILE: LiteralString = (
    "SELECT pg_sleep(3600) /* \x1b]0;owned\x07\x1b[2J\x1b[31m \x9b5m [/blink] [bold red]"
    "\r\n\t \u202egnp.gol\u202c \u2066x\u2069 \u200b\ufeff 漢字 한국어"
    " 👩\u200d👩\u200d👧 e\u0301\u0323 */"
)
