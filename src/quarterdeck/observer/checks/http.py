"""Check type `http`: does an address answer as expected.

No answer, or another one than expected, is critical. The code is judged first; where the body matters, one that
cannot be read (too big, packed in another way than gzip, not UTF-8) is unknown.
"""

from __future__ import annotations

import asyncio

from quarterdeck.matcher import NotSearchedError, first_match
from quarterdeck.observer.checks.base import Check, Context, Result
from quarterdeck.observer.checks.web import Answer, WebCheck
from quarterdeck.procedure.checks import HttpOptions

__all__ = ["HttpCheck", "build"]


def build(options: HttpOptions, context: Context) -> Check:
    """A check that sends one request for each sample."""
    return HttpCheck(options, context)


class HttpCheck(WebCheck):
    """Asks, and holds the answer against what is expected."""

    def __init__(self, options: HttpOptions, context: Context) -> None:
        super().__init__(options, context)
        self._expected, self._matches = options.expect_status, options.expect_body

    async def judge(self, answer: Answer) -> Result:
        """By its code, and then by its body where that is asked about."""
        said = f"answered {answer.code}"
        if not any(answer.code in codes for codes in self._expected):
            if answer.redirected_to:
                said += f", a redirect to {answer.redirected_to}, which is not followed"
            return Result(status="critical", message=said)
        if not self._matches:
            return Result(status="ok")
        if answer.unread:
            return Result(status="unknown", message=f"{said} with {answer.unread}")
        try:
            text = answer.body.decode()
        except UnicodeDecodeError:
            return Result(status="unknown", message=f"{said} with a body that is not valid UTF-8")
        try:
            if await asyncio.to_thread(first_match, self._matches, [text]) is None:
                return Result(status="critical", message=f"{said}, but its body does not match")
        except NotSearchedError as why:
            return Result(status="unknown", message=f"{said}; its body was {why}")
        return Result(status="ok")
