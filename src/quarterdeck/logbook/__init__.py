"""Where events are durable: the SQLite logbook, the flight recorder beside it, and the chain that binds both.

`session_log.SessionLog` is the way in for whoever owns a session (the station, or a verb without one);
`read_only.read_session` is the way in for whoever only reads. Must never decide anything about a session.
"""
