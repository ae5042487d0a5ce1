"""The demo: a real order service over a real database, its traffic, its maintenance, and its driver.

Below the driver everything is plain: `service`, `traffic` and `tool` are programs of their own, standard
library only, that know nothing of sessions. A procedure maintains them as it would maintain anything else.
"""
