"""Sessions to export: written with the real logbook, on a clock that tests set."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from quarterdeck import __version__
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.observer.messages import Reading, Status
from quarterdeck.procedure.check import parse
from quarterdeck.session import events as e
from quarterdeck.session.event import Actor, Blob, Moment
from quarterdeck.session.events import Draft
from quarterdeck.session.parts import Proof, UndoItem, Verdict, Watch
from quarterdeck.station.sessions import plan_hash

SESSION = "2026-11-29-record-night-kfwz"
START = 1_796_000_400.0
TEXT = (Path(__file__).parent / "record-night.yaml").read_text()
ADA = Actor("ada", 1000, role="lead", host="db01")
BOB = Actor("bob", 1001, role="dba", host="db02")
STATION = Actor("ada", 1000, via="station", host="db01")


class Night:
    """A session that is being written."""

    def __init__(self, home: Path, text: str = TEXT) -> None:
        self.folder = home / "sessions" / SESSION
        self.now = START - 60
        self.off = 60
        self.log = SessionLog.open(self.folder, session_id=SESSION, actor=ADA, moment=self._moment)
        loaded = parse(text, path="record-night.yaml")
        assert loaded.procedure is not None, loaded.problems
        self.hash = plan_hash(text, {}, {})
        plan = e.PlanRevised(
            text=text, path="record-night.yaml", hash=self.hash,
            compiled=msgspec.Raw(msgspec.json.encode(loaded.procedure)),
        )  # fmt: skip
        self.put(e.SessionOpened(title=loaded.procedure.title, procedure=loaded.procedure.id, lead="ada",
                                 version=__version__), plan)  # fmt: skip

    def _moment(self) -> Moment:
        return Moment(self.now, "boot", int((self.now - START + 5000) * 1e9), self.off, "CET")

    def put(
        self, *what: e.Payload, by: Actor = ADA, step: str = "", attempt: int = 0, blobs: tuple[Blob, ...] = ()
    ) -> None:
        drafts = [Draft(each, step, attempt, blobs) for each in what]
        self.log.append(drafts, by, self.hash).durable.result(20)

    def begin(self) -> None:
        self.now = START
        self.put(e.SessionStarted(start=START, end=START + 7200, reserve=600, warn=900))

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def read(self, latency: float, status: Status = "ok", target: str = "api") -> None:
        reading = Reading(
            target=target, at=self.now, boot=self.now - START + 5000, status=status, raw=status,
            values={"latency": latency, "status": status}, interval=5, max_age=15,
        )  # fmt: skip
        self.log.append_samples([reading])

    def command(
        self, step: str, output: str = "1\n", *, seconds: float = 30, code: int = 0, attempt: int = 1, cut: int = 0
    ) -> None:
        """One attempt at a command step, up to its end."""
        run = f"{step}-{attempt}"
        start = e.StepStarted(run=run, argv=("echo", step), host="db01", watch=Watch())
        self.put(e.StepGranted(to="ada"), start, step=step, attempt=attempt)
        self.wait(seconds)
        blob = self.log.store_blob(output.encode("utf-8", "surrogatepass"), f"{step}.txt")
        ended = e.CommandEnded(run=run, exit_code=code, seconds=seconds, cut=cut, watch=Watch())
        self.put(ended, by=STATION, step=step, attempt=attempt, blobs=(blob,))

    def done(self, step: str, attempt: int = 1, **more: object) -> None:
        self.put(e.StepDone(watch=Watch(), **more), by=STATION, step=step, attempt=attempt)  # type: ignore[arg-type]

    def close(self) -> Path:
        self.log.close()
        return self.folder


def whole_night(home: Path, say: str = "plain words") -> Night:
    """A night with everything in it that a report shows, up to its end; `say` is what people and programs write."""
    night = Night(home)
    night.put(e.ItemTicked(item="approved", note=say))
    for _ in range(3):
        night.wait(5)
        night.read(0.05)
    night.begin()
    night.command("count", f"1\n{say}\n")
    night.done("count", values={"rows": say})
    night.put(e.StepGranted(to="bob"), e.StepStarted(host="db02", watch=Watch()), by=BOB, step="freeze", attempt=1)
    night.wait(100)
    night.read(0.06)
    night.put(e.NoteAdded(text=say), e.EvidenceAdded(text=say), by=BOB, step="freeze")
    night.done("freeze")
    night.put(e.StepSkipped(reason=say), by=BOB, step="look")
    night.put(e.SessionPaused(reason=say))
    night.wait(20)
    night.put(e.SessionResumed(reason=say))
    night.put(e.StepGranted(), e.StepStarted(), e.PollOpened(), step="ask", attempt=1)
    night.put(e.PollAnswered(role="lead", answer="go"), step="ask", attempt=1)
    night.put(e.PollAnswered(role="dba", answer="go_with_comment", comment=say, by_phone=say), step="ask", attempt=1)
    night.put(e.PollClosed(result="go"), step="ask", attempt=1)
    night.done("ask")
    night.command("build", "no room\n", seconds=50, code=1)
    night.put(e.StepFailed(reason=say), by=STATION, step="build", attempt=1)
    night.put(e.EffectDeclared(effect="none", note=say), step="build", attempt=1)
    night.command("build", "built\n", seconds=400, attempt=2, cut=1000)
    night.done("build", attempt=2)
    night.read(0.9, "critical")
    night.wait(40)
    night.read(0.95, "critical")
    night.put(e.ClockStepped(by=3600.0), by=STATION)
    night.put(e.RecorderChanged(recorder="logbook", state="lost", detail=say), by=STATION)
    night.put(e.HaltProposed(guard="slow", reason=say, until=night.now + 120), by=STATION)
    night.wait(8)
    night.put(e.HaltCalled(nonce="n1", reason=say))
    night.wait(30)
    roll_back(night, say)
    return night


def roll_back(night: Night, say: str = "plain words") -> None:
    """Commit, undo, verify, close and end."""
    items = (
        UndoItem("drop-new", "build", "dba", 60),
        UndoItem("unfreeze", "freeze", "dba", 120),
        UndoItem("still-there", "", "lead", 60),
    )
    night.put(
        e.RollbackCommitted(answers=("n1",), items=items, letters="KFWZ", left_out={"count": "changes nothing"})
    )
    night.command("drop-new", "dropped\n", seconds=20)
    night.done("drop-new")
    night.put(e.StepSkipped(reason=say), step="unfreeze")
    night.read(0.05)
    night.put(e.StepGranted(), e.StepStarted(), step="still-there", attempt=1)
    night.put(e.StepVerified(proofs=(Proof(say, True, "ok"),), ok=True), by=STATION, step="still-there", attempt=1)
    night.done("still-there")
    night.put(e.ClosingBegun())
    night.command("recount")
    night.done("recount")
    night.read(0.05)
    verdict = Verdict("users", "No complaint", "INCONCLUSIVE", say)
    ended = e.SessionEnded(outcome="rolled_back_with_exceptions", verdicts=(verdict,), facts={"receipts": say})
    night.put(ended, by=STATION)


def copy_home(folder: Path, home: Path) -> Path:
    """A copy of a session with its recorder; the copied session's folder."""
    shutil.copytree(folder.parent.parent, home)
    return home / "sessions" / folder.name
