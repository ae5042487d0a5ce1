"""What somebody wants to happen, in the imperative: the questions that `decide` answers.

A key press, a command line, a guard or the station itself each makes one. Facts (a command's end, a halt, a note)
come as intents too and are never refused. Each stands with its rule in `session.rules`.
"""

from quarterdeck.session.rules.command import *
from quarterdeck.session.rules.finish import *
from quarterdeck.session.rules.guard import *
from quarterdeck.session.rules.halt import *
from quarterdeck.session.rules.leftovers import *
from quarterdeck.session.rules.plan_change import *
from quarterdeck.session.rules.poll import *
from quarterdeck.session.rules.rollback import *
from quarterdeck.session.rules.session import *
from quarterdeck.session.rules.start import *
from quarterdeck.session.rules.time import *

Intent = (
    TickItem | StartSession | Pause | GoOn | Halt | GiveReason | RollBack | RunMine | DecideUndo | UndoStep
    | StartContingency | Abandon | EndSession | CloseSession | ClaimStep | StartStep | FinishStep | FailStep
    | SkipStep | VerifyStep | AcceptStep | DeclareEffect | DeclareGone | AnswerLeft | StopCommand | WithholdOutput
    | Estimate
    | RecordValue | AddEvidence | AddNote | SignStep | AddStep | CorrectStep | ExtendWindow | AnswerPoll
    | DismissProposal | OverrideGuard | AnswerCriterion | CommandReturned | FindLeft | EndLeft | VerificationRead
    | ChangeRead | ProveGone
    | WaitOver | GuardBlinded | GuardSighted | GuardHolds
    | GuardReleased | Tick | CrashFound | NoteFact | NoteClockStep | NoteRecorder
)  # fmt: skip
"""Everything that can be asked of a session."""
