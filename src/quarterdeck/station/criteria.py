"""What became of the success criteria: PASS, FAIL or INCONCLUSIVE, each with its evidence.

Judged once, when a session ends, from the samples that the logbook kept and from the steps; an early or doubtful end
is never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from quarterdeck.logbook.folder import SessionFolder
from quarterdeck.logbook.recorder import read_sample_lines
from quarterdeck.observer.baseline import judge, series
from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.model import Baseline, Criterion, Downtime
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.session.parts import Verdict
from quarterdeck.session.state import Session

__all__ = ["Uptime", "downtime", "judge_all", "metrics_needed", "samples_of"]

Word = Literal["PASS", "FAIL", "INCONCLUSIVE"]
COVERAGE = 0.9
"""Share of the time that must have been watched for a verdict of no downtime."""


def metrics_needed(session: Session) -> dict[str, set[str]]:
    """What the criteria look at: each target, and which of its metrics."""
    needed: dict[str, set[str]] = {}
    for criterion in session.plan.procedure.criteria if session.plan is not None else ():
        for target in criterion.downtime.targets if criterion.downtime is not None else ():
            needed.setdefault(target, set())
        if criterion.baseline is not None:
            target, _, metric = criterion.baseline.metric.partition(".")
            needed.setdefault(target, set()).add(metric)
    return needed


def samples_of(folder: Path, needed: Mapping[str, Collection[str]]) -> dict[str, list[Reading]]:
    """By target, as they came, what was kept of these targets and metrics; what cannot be read is left out.

    No clock puts them in order: a boot clock begins anew with its host. Where only a target's status counts, readings
    that say the same one after the other are one reading that holds as long.
    """
    found: dict[str, list[Reading]] = {target: [] for target in needed}
    decoder = msgspec.json.Decoder(list[Reading])
    try:
        for batch in read_sample_lines(SessionFolder.of(folder).recorder_samples):
            try:
                readings = decoder.decode(batch.raw)
            except ValueError:
                continue
            for reading in readings:
                if reading.target in needed:
                    _keep(found[reading.target], reading, needed[reading.target])
    except OSError:
        return {target: [] for target in needed}
    return found


def _keep(own: list[Reading], reading: Reading, metrics: Collection[str]) -> None:
    last = own[-1] if own and not metrics else None
    if last is not None and _goes_on(last, reading):
        own[-1] = msgspec.structs.replace(last, max_age=reading.at + reading.max_age - last.at)
        return
    values = {name: reading.values[name] for name in metrics if name in reading.values}
    own.append(msgspec.structs.replace(reading, values=values, units={}, message=""))


def _goes_on(last: Reading, reading: Reading) -> bool:
    """Whether a reading says nothing else than the one before it, which still holds."""
    same = (last.status, "stale" in last.flags) == (reading.status, "stale" in reading.flags)
    return same and last.at <= reading.at <= last.at + last.max_age


def judge_all(
    session: Session, readings: Mapping[str, Sequence[Reading]], now: float, holds: Callable[[str], bool | None]
) -> tuple[Verdict, ...]:
    """Every criterion of the plan. `readings`: by target; `now`: session time; `holds` judges a condition now."""
    if session.plan is None:
        return ()
    return tuple(_verdict(session, criterion, readings, now, holds) for criterion in session.plan.procedure.criteria)


def _verdict(
    session: Session,
    criterion: Criterion,
    readings: Mapping[str, Sequence[Reading]],
    now: float,
    holds: Callable[[str], bool | None],
) -> Verdict:
    if criterion.downtime is not None:
        word, evidence = _downtime(session, criterion.downtime, readings, now)
    elif criterion.steps:
        word, evidence = _steps(session, criterion.steps)
    elif criterion.baseline is not None:
        word, evidence = _baseline(session, criterion.baseline, readings)
    elif criterion.condition:
        held = holds(criterion.condition)
        word = {True: "PASS", False: "FAIL", None: "INCONCLUSIVE"}[held]  # type: ignore[assignment]
        evidence = f"{criterion.condition} is {'unknown' if held is None else str(held).lower()}"
    else:
        answer = session.criteria.get(criterion.id)
        word = "INCONCLUSIVE" if answer is None else "PASS" if answer[0] else "FAIL"
        evidence = "nobody was asked" if answer is None else answer[1] or ("yes" if answer[0] else "no")
    return Verdict(criterion.id, criterion.title, word, evidence)


def _steps(session: Session, steps: Iterable[str]) -> tuple[Word, str]:
    """PASS when all are done and verified."""
    said, verdict = [], "PASS"
    for identity in steps:
        run = session.steps.get(identity)
        done = run is not None and run.state in {"done", "done_manually"}
        verified = run is not None and all(proof.ok is True for proof in run.proofs)
        accepted = any(d.step == identity and d.what == "accepted unverified" for d in session.deviations)
        if run is None or run.sequence == 0:
            verdict = "INCONCLUSIVE" if verdict == "PASS" else verdict
        elif not done or not verified or accepted:
            verdict = "FAIL"
        state = "not run" if run is None or run.sequence == 0 else run.state.replace("_", " ")
        said.append(f"{identity} {state}" + (", accepted unverified" if accepted else ""))
    return verdict, "; ".join(said)  # type: ignore[return-value]  # one of the three words


# ---------------------------------------------------------------- downtime


def _downtime(
    session: Session, rule: Downtime, readings: Mapping[str, Sequence[Reading]], now: float
) -> tuple[Word, str]:
    if session.started is None:
        return "INCONCLUSIVE", "the session was never started"
    worst: Word = "PASS"
    said = []
    for target in rule.targets:
        down, watched = downtime(session, target, readings.get(target, ()), session.started, now)
        span = max(now - session.started, 1e-9)
        word: Word = "FAIL" if down > rule.max else "PASS" if watched >= COVERAGE * span else "INCONCLUSIVE"
        if word == "FAIL" or (word == "INCONCLUSIVE" and worst == "PASS"):
            worst = word
        share = f", watched {100 * min(1.0, watched / span):.0f} % of the time" if word == "INCONCLUSIVE" else ""
        said.append(
            f"{target}: {show(Quantity(round(down, 1), 's'))} down, {show(Quantity(rule.max, 's'))} allowed{share}"
        )
    return worst, "; ".join(said)


class Uptime:
    """What is counted of a target between two session times, reading by reading."""

    def __init__(self, session: Session, target: str, since: float, until: float) -> None:
        self.down = self.watched = 0.0
        """Seconds of critical outside expected outages; seconds with a known status."""
        self._since, self._until = since, until
        self._calm = _expected(session, target)

    def take(self, reading: Reading, end: float) -> None:
        """A reading's status holds until `end`, the time of the next one, at most for its `max_age`."""
        begin, end = max(reading.at, self._since), min(end, reading.at + reading.max_age, self._until)
        if end <= begin or reading.status == "unknown" or "stale" in reading.flags:
            return
        self.watched += end - begin
        if reading.status == "critical":
            self.down += end - begin - sum(max(0.0, min(end, b) - max(begin, a)) for a, b in self._calm)


def downtime(
    session: Session, target: str, readings: Sequence[Reading], since: float, until: float
) -> tuple[float, float]:
    """See `Uptime`: seconds down, and seconds watched."""
    found = Uptime(session, target, since, until)
    for reading, end in zip(readings, [*(reading.at for reading in readings[1:]), until], strict=False):
        found.take(reading, end)
    return found.down, found.watched


def _expected(session: Session, target: str) -> list[tuple[float, float]]:
    """When steps were expected to break the target, without overlaps."""
    assert session.plan is not None
    spans = []
    for run in session.steps.values():
        expected = session.plan.steps[run.id].expect_outage
        if expected is not None and expected.target == target:
            spans += [(attempt.started, attempt.started + expected.max) for attempt in run.runs]
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


# ---------------------------------------------------------------- baseline


def _baseline(session: Session, rule: Baseline, readings: Mapping[str, Sequence[Reading]]) -> tuple[Word, str]:
    """Samples from before Start against those from after the last step of the plan in force (closing included)."""
    target, _, metric = rule.metric.partition(".")
    own = readings.get(target, ())
    if session.started is None or not own:
        return "INCONCLUSIVE", "nothing was read of it"
    after = _worked_until(session)
    start = session.started
    before_side = [reading for reading in own if reading.at < start]
    after_side = [reading for reading in own if reading.at >= after]
    judged = judge(
        rule,
        series(before_side, metric, span=_span(before_side), interval=own[-1].interval),
        series(after_side, metric, span=_span(after_side), interval=own[-1].interval),
    )
    return judged.verdict, f"{rule.statistic} of {rule.metric} {_sides(judged.before, judged.after)}: {judged.why}"


def _worked_until(session: Session) -> float:
    """When the last step of the stages or of the rollback ended: what comes after shows what the work left."""
    assert session.plan is not None
    ended = [
        run.ended
        for run in session.steps.values()
        if run.ended is not None
        and run.sequence
        and session.plan.places[run.id].part in {"stages", "undo", "contingency"}
    ]
    return max(ended, default=session.started or 0.0)


def _span(readings: Sequence[Reading]) -> float:
    return readings[-1].at - readings[0].at + readings[0].interval if readings else 0.0


def _sides(before: object, after: object) -> str:
    old, new = getattr(before, "value", None), getattr(after, "value", None)
    shown = [f"{value:.4g}" if value is not None and math.isfinite(value) else "unknown" for value in (old, new)]
    return f"was {shown[0]} (n={getattr(before, 'n', 0)}), is {shown[1]} (n={getattr(after, 'n', 0)})"
