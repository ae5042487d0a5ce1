"""What each kind of event does to the session: one short function a kind, called by `fold` alone.

Nothing here decides anything: an event that is in a logbook happened, and its meaning must never fail.
An event about a step that the plan does not know is counted and changes nothing else.
"""

from quarterdeck.session.effects import sessions, steps, watching
from quarterdeck.session.effects.registry import take

__all__ = ["sessions", "steps", "take", "watching"]
