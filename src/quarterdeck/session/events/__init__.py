"""What can happen, in the past tense: one file a subject, one payload for each kind of event.

A payload names its `kind` as it stands in the logbook, and says what it does to a session (`apply`) and how it
reads (`sentence`). What may happen is decided in `session.rules`.
"""

from quarterdeck.session.events.command import *
from quarterdeck.session.events.guard import *
from quarterdeck.session.events.halt import *
from quarterdeck.session.events.leftovers import *
from quarterdeck.session.events.plan_change import *
from quarterdeck.session.events.poll import *
from quarterdeck.session.events.rollback import *
from quarterdeck.session.events.session import *
from quarterdeck.session.events.shared import *
from quarterdeck.session.events.station import *
from quarterdeck.session.events.step import *
