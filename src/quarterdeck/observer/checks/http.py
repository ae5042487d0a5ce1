"""Check type `http`: does an address answer as expected.

Options: `url`, `method` (GET), `headers` (list of `Name: value`; secrets as `env:NAME` or `file:PATH`),
`expect_status` (`2xx`; also `200`, `200-299`, a list), `matches` (a regular expression for the body),
`follow_redirects` (false), `verify` (a file of authorities; TLS is always verified).
Metrics: `latency` (seconds, more is worse), `code` (plain).

No answer, or another one than expected, is critical; an answer that cannot be judged (too big, compressed, not
UTF-8 where its text matters) is unknown.
"""

from __future__ import annotations

import asyncio
import re

from quarterdeck.matcher import NotSearchedError, first_match
from quarterdeck.observer.checks.base import Check, Context, Options, Result, SettingError
from quarterdeck.observer.checks.web import Answer, Exchange, NoAnswer, web_settings
from quarterdeck.observer.readings import Status, Value
from quarterdeck.procedure.model import Target

__all__ = ["HttpCheck", "build", "codes"]


def codes(text: str) -> tuple[tuple[int, int], ...]:
    """Ranges of status codes as written: `2xx`, `200`, `200-299`, joined by commas. Raises `SettingError`."""
    ranges = []
    for part in text.replace(" ", "").lower().split(","):
        match = re.fullmatch(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?", part)
        if match is None:
            raise SettingError("`expect_status` must be such as 200, 2xx, 200-299 or 200,204")
        if match[1]:
            ranges.append((int(match[1]) * 100, int(match[1]) * 100 + 99))
        else:
            ranges.append((int(match[2]), int(match[3] or match[2])))
    return tuple(ranges)


def build(target: Target, context: Context) -> Check:
    """A check that sends one request for each sample."""
    options = Options(target)
    settings = web_settings(options)
    expected = codes(",".join(options.texts("expect_status", ("2xx",))))
    pattern = options.text("matches", "")
    options.done()
    try:
        re.compile(pattern)
    except re.error as error:
        raise SettingError(f"`matches` is no regular expression: {error.msg}") from error
    return HttpCheck(Exchange(settings, context), expected, pattern)


class HttpCheck:
    """Asks, and holds the answer against what is expected."""

    late: Status = "critical"

    def __init__(self, exchange: Exchange, expected: tuple[tuple[int, int], ...], matches: str) -> None:
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
        if not any(low <= answer.code <= high for low, high in self._expected):
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
