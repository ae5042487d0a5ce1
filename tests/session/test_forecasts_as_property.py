"""The record's forecasts, asked step by step, are those of a whole forecast at every start."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from sessionbook import START
from test_rules_as_properties import Night

from quarterdeck.procedure.model import Step
from quarterdeck.record.report.model import Span
from quarterdeck.record.report.steps import forecasts
from quarterdeck.record.report.story import Told
from quarterdeck.session import intents as wanted
from quarterdeck.session.events import RollbackCommitted, StepStarted, payload
from quarterdeck.session.fold import Folding
from quarterdeck.session.forecast import Forecast


def at_every_start(told: list[Told]) -> dict[str, Span]:
    """What stood last, found the long way."""
    found: dict[str, Span] = {}
    folding = Folding()
    for each in told:
        before = folding.session
        starts = isinstance(each.what, StepStarted) and before.started is not None
        if starts and before.rollback is None and before.phase != "contingency":
            for step, at in Forecast(before, each.at).items():
                if not before.steps[step].sequence or step == each.event.step:
                    found[step] = Span(at.start, at.end)
        folding.add(each.event)
        if isinstance(each.what, RollbackCommitted) and before.plan is not None:
            for step in before.plan.closing:
                found.pop(step, None)
    return found


class Forecasts(Night):
    """Every night of the rule book's, and what its record says of it."""

    def teardown(self) -> None:
        session = self.session
        told = [Told(event, session.clock(event.t), payload(event)) for event in self.book.events]
        assert forecasts(told)[1] == at_every_start(told)


TestForecasts = Forecasts.TestCase
TestForecasts.settings = settings(
    max_examples=40, stateful_step_count=45, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_step_that_was_done_without_a_start_keeps_the_forecast_of_the_start_before_it() -> None:
    night = Forecasts()
    night.ask(wanted.StartSession(start=START, end=START + 7200, override="because"))
    night.ask(wanted.StartStep(step="count", waivers={"start_guard": "because"}))
    night.book.wait(60)
    night.ask(
        wanted.AddStep(step=Step(id="more", title="More", kind="manual", instructions="Do it"), reason="because")
    )
    night.ask(wanted.StartStep(step="freeze", waivers={"start_guard": "because"}))
    night.book.wait(60)
    night.ask(wanted.FinishStep(step="more", by_hand=True))
    assert night.session.steps["more"].state == "done_manually"
    night.teardown()
