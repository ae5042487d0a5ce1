"""The rules of lint."""

from quarterdeck.procedure.loader import Draft


def judge(draft: Draft) -> None:
    """Judge."""
