"""How a record is written: pages, tables, drawings, and the escaping that each format needs."""
