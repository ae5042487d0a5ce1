"""The rule book: events, state, decisions, rollback, forecast, guards. Pure: no I/O, no clock, no random.

Start reading at `decide.py` (what may happen), `fold.py` (what an event means) and `state.py` (what is known).
"""
