"""Everything that a person can do, one class each. Footer, palette, help and keymap come from `all_commands`."""

from __future__ import annotations

from quarterdeck.console.commands import answer, halt, note, plan_change, recover, rollback, steps, view
from quarterdeck.console.commands.base import Command

__all__ = ["all_commands"]

_CLASSES: tuple[type[Command], ...] = (
    halt.Halt, halt.Pause, halt.GoOn, halt.WhatNow, halt.LetterR,
    steps.Start, steps.Done, steps.Fail, steps.Skip, steps.Verify, recover.StopNow, recover.Estimate,
    recover.DoneByHand, recover.Retry, recover.Accept, recover.DeclareEffect, recover.DeclareGone,
    recover.AnswerLeft, recover.WithholdOutput,
    rollback.RollBack, rollback.RollbackNow, rollback.RunMine, rollback.StopMine, rollback.UndoStep,
    rollback.DecideUndo, rollback.Contingency, rollback.Abandon, rollback.EndSession,
    answer.AnswerPoll, answer.Dismiss, answer.OverrideGuard, answer.AnswerCriterion, answer.SignOff, answer.TickItem,
    answer.StartWithOverride,
    note.Note, note.Evidence, note.Value,
    plan_change.AddStep, plan_change.Correct, plan_change.Extend, plan_change.Review,
    view.Open, view.OpenRow, view.Output, view.Help, view.Palette, view.Sessions, view.Layout, view.Theme,
    view.NextPane, view.Filter, view.Follow, view.Contacts, view.Links, view.Watched, view.Why, view.Copy, view.Write,
    view.Leave, view.CtrlC, view.Suspend,
)  # fmt: skip


def all_commands() -> tuple[Command, ...]:
    """One instance of each shipped command, in the order in which help lists them."""
    return tuple(kind() for kind in _CLASSES)
