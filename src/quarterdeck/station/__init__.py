"""The station: the background process of a person in a session. It outlives every terminal."""
