"""Everything that a person can do, one class each. Footer, palette, help and keymap come from `all_commands`."""

from __future__ import annotations

from quarterdeck.console.commands import amending, halting, leaving, mending, notes, polls, rollback, steps, view
from quarterdeck.console.commands.base import Command

__all__ = ["all_commands"]

_CLASSES: tuple[type[Command], ...] = (
    halting.Halt, halting.Pause, halting.GoOn, halting.WhatNow, halting.LetterR,
    steps.Start, steps.Done, steps.Fail, steps.Skip, steps.Verify, mending.StopNow, mending.Estimate,
    mending.DoneByHand, mending.Retry, mending.Accept, mending.DeclareEffect, mending.DeclareGone,
    mending.AnswerLeft,
    rollback.RollBack, rollback.RunMine, rollback.StopMine, rollback.UndoStep, rollback.DecideUndo,
    rollback.Contingency, rollback.Abandon, rollback.EndSession,
    polls.AnswerPoll, polls.Dismiss, polls.OverrideGuard, polls.AnswerCriterion, polls.SignOff, polls.TickItem,
    polls.StartWithOverride,
    notes.Note, notes.Evidence, notes.Value,
    amending.AddStep, amending.Correct, amending.Extend, amending.Review,
    view.Open, view.Help, view.Palette, view.Layout, view.Theme, view.NextPane, view.Follow, view.Contacts,
    view.Links, view.Copy, view.Write,
    leaving.Leave, leaving.CtrlC, leaving.Suspend,
)  # fmt: skip


def all_commands() -> tuple[Command, ...]:
    """One instance of each shipped command, in the order in which help lists them."""
    return tuple(kind() for kind in _CLASSES)
