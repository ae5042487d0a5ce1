"""The exception tree: everything that a person may be told.

    QuarterdeckError            exit code 1: something failed
      UsageError                exit code 2: the call was wrong
      DocumentError             a YAML document is wrong (file, line, column of each problem)
      LogbookError              events can't be read or made durable
      StationError              the station can't be reached, started or understood

Every error carries a message for a person, what to do about it (`hint`) and where it is (`where`). Nothing
else may reach a user: the command line prints these three and no traceback.
"""

from __future__ import annotations

__all__ = ["DocumentError", "LogbookError", "QuarterdeckError", "StationError", "UsageError"]


class QuarterdeckError(Exception):
    """Something for a person to read: what is wrong, where, and what to do."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        """`message` is one sentence; `hint` says what to do; `where` is a file, line or name."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        """One line: `where: message (hint)`."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


class UsageError(QuarterdeckError):
    """The call itself was wrong; exit code 2."""

    exit_code = 2


class DocumentError(QuarterdeckError):
    """A document that a person wrote cannot be taken; `problems` holds one printable line for each fault."""

    def __init__(self, message: str, *, problems: tuple[str, ...] = (), hint: str = "", where: str = "") -> None:
        super().__init__(message, hint=hint, where=where)
        self.problems = problems


class LogbookError(QuarterdeckError):
    """Events cannot be read, or cannot be made durable."""


class StationError(QuarterdeckError):
    """The station cannot be reached, started or understood."""
