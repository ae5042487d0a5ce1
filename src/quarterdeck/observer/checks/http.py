"""Check type `http`: does an address answer as expected.

No answer, or another one than expected, is critical; an answer that cannot be judged (too big, compressed, not
UTF-8 where its text matters) is unknown.
"""

from __future__ import annotations

import asyncio

from quarterdeck.matcher import NotSearchedError, first_match
from quarterdeck.observer.checks.base import Check, Context, Result
from quarterdeck.observer.checks.web import Answer, Exchange, NoAnswer
from quarterdeck.observer.messages import Status, Value
from quarterdeck.procedure.checks import HttpOptions
from quarterdeck.procedure.option_forms import Codes

__all__ = ["HttpCheck", "build"]


def build(options: HttpOptions, context: Context) -> Check:
    """A check that sends one request for each sample."""
    return HttpCheck(Exchange(options, context), options.expect_status, options.expect_body)


class HttpCheck:
    """Asks, and holds the answer against what is expected."""

    late: Status = "critical"

    def __init__(self, exchange: Exchange, expected: tuple[Codes, ...], matches: str) -> None:
        """`matches` is a regular expression for the body; empty: any body will do."""
        self._exchange, self._expected, self._matches = exchange, expected, matches

    @property
    def doing(self) -> str:
        """What the exchange is at."""
        return self._exchange.doing

    async def sample(self) -> Result:
        """One request."""
        try:
            answer = await self._exchange.ask()
        except NoAnswer as nothing:
            return Result(status=nothing.status, message=nothing.message)
        values: dict[str, Value] = {"latency": answer.latency, "code": float(answer.code)}
        status, message = await self._judge(answer)
        return Result(status=status, values=values, message=message)

    async def _judge(self, answer: Answer) -> tuple[Status, str]:
        if not any(answer.code in codes for codes in self._expected):
            if answer.redirected_to:
                return (
                    "critical",
                    f"answered {answer.code}, a redirect to {answer.redirected_to}, which is not followed",
                )
            return "critical", f"answered {answer.code}"
        if not self._matches:
            return "ok", ""
        try:
            text = answer.body.decode()
        except UnicodeDecodeError:
            return "unknown", f"answered {answer.code} with a body that is not valid UTF-8"
        try:
            if await asyncio.to_thread(first_match, self._matches, [text]) is None:
                return "critical", f"answered {answer.code}, but its body does not match"
        except NotSearchedError as why:
            return "unknown", f"answered {answer.code}; its body was {why}"
        return "ok", ""

    async def close(self) -> None:
        """Give up the connection."""
        await self._exchange.close()
