"""The command line: which verb with which options. Thin: each verb's module is imported when that verb runs.

`--version` is answered before argparse is imported. Exit codes: 0 done, 1 failure, 2 wrong call; sessions that end in
`lead`, `attach` and `demo` answer 0 completed, 10 rolled back, 11 rolled back with exceptions, 12 abandoned,
13 recovered by contingency, 3 detached while live. `halt` answers 4 where no station confirmed it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from _typeshed import SupportsWrite

    from quarterdeck.documents.nodes import Node
    from quarterdeck.documents.schema import Context

__all__ = ["build_parser", "main"]


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit code. No traceback reaches a person."""
    _open_streams()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = _answer(words)
    except SystemExit as left:  # argparse has said what it is
        code = int(left.code or 0)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001 - the process's own boundary: no traceback reaches a person
        code = _failed(error)
    undelivered = _undelivered()
    return code or undelivered


def _answer(words: list[str]) -> int:
    if words in (["--version"], ["-V"]):
        from quarterdeck import __version__

        print(f"quarterdeck {__version__}")
        return 0
    parser = build_parser(words[0] if words else "")
    parsed = parser.parse_args(words)
    if parsed.print_completion:
        import shtab

        print(shtab.complete(parser, parsed.print_completion))
        return 0
    if parsed.verb is None:
        parser.exit(2, parser.format_help())
    from importlib import import_module

    module = import_module(f"quarterdeck.{_VERBS[parsed.verb].package}.verbs")
    verb = getattr(module, parsed.verb)
    code: int = verb(parsed, _READERS) if parsed.verb == "lint" else verb(parsed)
    if parsed.verb == "halt":
        _unwritable()  # how it went is said by its code, whoever hears it
    return code


def _failed(error: Exception) -> int:
    """Say what went wrong; the exit code."""
    from quarterdeck.errors import QuarterdeckError

    if isinstance(error, QuarterdeckError):
        return _tell(error)
    if isinstance(error, BrokenPipeError):
        _unwritable()
        return 1
    if (why := _unwritable()) or _is_of_a_stream(error):
        return _tell(QuarterdeckError(f"The answer cannot be written: {why or getattr(error, 'strerror', '')}"))
    return _tell_crash(error)


def _undelivered() -> int:
    """1 where what was to be said could not be; quietly where whoever read it has gone (`| head`)."""
    import errno
    import os

    why = _unwritable()
    if not why:
        return 0
    if why != os.strerror(errno.EPIPE):
        from quarterdeck.errors import QuarterdeckError

        _tell(QuarterdeckError(f"The answer cannot be written: {why}"))
    return 1


def _check_layout(node: Node, context: Context) -> None:
    """Layouts are the console's; `lint` is given who reads them, since it may not know the console."""
    from quarterdeck.console.layout import check_layout

    check_layout(node, context)


def _check_settings(node: Node, context: Context) -> None:
    from quarterdeck.documents.settings import check_settings

    check_settings(node, context)


_READERS = {"quarterdeck-layout": _check_layout, "quarterdeck-settings": _check_settings}
"""Who reads the documents that are no procedures; each is imported when there is one."""


def _tell(error: Exception) -> int:
    """Print an error for a person: one line, and one for each problem of a document."""
    from quarterdeck.text import in_full

    try:
        for problem in getattr(error, "problems", ()):
            print(in_full(problem), file=sys.stderr)
        print(in_full(f"quarterdeck: {error}"), file=sys.stderr)
    except OSError:
        _unwritable()  # nobody hears it; the exit code says it
    return int(getattr(error, "exit_code", 1))


def _tell_crash(error: Exception) -> int:
    """One line, and where the rest is written."""
    from quarterdeck.console.crash import write

    where = write(error).path
    kept = f": {where}" if where else ""
    print(f"quarterdeck: stopped on an error of its own{kept} (a live session goes on)", file=sys.stderr)
    return 1


def _open_streams() -> None:
    """A stream that was closed (`>&-`) leads nowhere: its number must not fall to the next file that is opened."""
    import os

    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a number


def _unwritable() -> str:
    """Why stdout or stderr takes nothing (a full disk, a reader that has gone); what waited for it is dropped.

    Empty where both do.
    """
    import os

    why = ""
    for number, stream in enumerate((sys.stdout, sys.stderr), 1):
        try:
            stream.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            why = why or error.strerror or str(error)
    return why


def _is_of_a_stream(error: Exception) -> bool:
    """Whether there was no room for a write, and no path is named: an unbuffered stdout says it at once."""
    import errno

    full = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
    return isinstance(error, OSError) and error.errno in full and error.filename is None


def build_parser(only: str = "") -> argparse.ArgumentParser:
    """Build the parser; of all verbs, or `only` of the one that was asked for, since each costs start-up time."""
    import argparse

    class Parser(argparse.ArgumentParser):
        """argparse swallows that its help cannot be written."""

        def print_help(self, file: SupportsWrite[str] | None = None) -> None:
            print(self.format_help(), end="", file=file)

    parser = Parser(
        prog="quarterdeck",
        description="A terminal console for live maintenance sessions.",
        epilog="Try it: quarterdeck demo",
    )
    parser.add_argument("--version", "-V", action="store_true", help="print the version")
    parser.add_argument("--print-completion", choices=["bash", "zsh", "tcsh"], help="print a shell completion script")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for name in (only,) if only in _VERBS else _VERBS:
        verb = _VERBS[name]
        verb.options(verbs.add_parser(name, help=verb.help))
    return parser


def _no_options(verb: argparse.ArgumentParser) -> None:
    """Nothing to say but its name."""


def _screen(verb: argparse.ArgumentParser) -> None:
    """What every verb with a console takes."""
    verb.add_argument("--layout", metavar="NAME", default="", help="layout to begin with: lead, compact, or your own")
    verb.add_argument(
        "--theme",
        metavar="NAME",
        default="",
        help="colours: night, contrast, safe (for colour-blind eyes), terminal (its own 16 colours) or mono",
    )
    verb.add_argument("--ascii", action="store_true", help="glyphs for poor terminals")
    verb.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    verb.add_argument("--plain", action="store_true", help="line by line, for screen readers and dumb terminals")


def _demo(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--auto", action="store_true", help="without a terminal, answering by itself")
    verb.add_argument("--bad-night", action="store_true", help="the night with the classic mistake")
    verb.add_argument("--halt-after", metavar="STEP", default="", help="with --auto: halt after STEP and roll back")
    verb.add_argument("--fault", choices=["slow", "errors", "disk", "step"], default="", help="break something")
    verb.add_argument("--out", metavar="DIR", default="", help="with --auto: export the record there")
    verb.add_argument("--rows", metavar="N", type=int, default=200_000, help="orders in the database at the start")
    _screen(verb)


def _lead(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("procedure", metavar="PROCEDURE", help="a YAML file, or the id of a shipped procedure")
    verb.add_argument("--param", metavar="K=V", action="append", default=[], help="a parameter of the procedure")
    verb.add_argument("--window", metavar="START/END", default="", help="ISO 8601 times with an offset")
    verb.add_argument("--headless", action="store_true", help="intents as JSON lines on stdin, events on stdout")
    _screen(verb)


def _session(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("session", metavar="SESSION", nargs="?", default="", help="any unambiguous part of its id")


def _attach(verb: argparse.ArgumentParser) -> None:
    _session(verb)
    _screen(verb)


def _for_tools(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="for tools")


def _status(verb: argparse.ArgumentParser) -> None:
    _session(verb)
    _for_tools(verb)


def _halt(verb: argparse.ArgumentParser) -> None:
    _session(verb)
    verb.add_argument("--all", action="store_true", help="halt every live session")
    verb.add_argument("--reason", default="", help="why; can be given later")
    verb.epilog = "Exit codes: 0 halted, 4 unconfirmed (its file is written, no station answered), 1 not halted."


def _doctor(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("procedure", metavar="PROCEDURE", nargs="?", default="", help="check for this procedure")
    _for_tools(verb)


def _export(verb: argparse.ArgumentParser) -> None:
    _session(verb)
    verb.add_argument("--format", default="jsonl,json,md,html", help="comma separated: jsonl, json, md, html, csv")
    verb.add_argument("-o", "--out", metavar="DIR", default="", help="folder to write to (default: the session's id)")
    verb.add_argument("--force", action="store_true", help="overwrite what is there")


def _verify(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("record", metavar="RECORD", help="a record's .jsonl file, or its folder")


def _lint(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("paths", metavar="PATH", nargs="+", help="YAML files or folders")
    _for_tools(verb)


def _show(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("procedure", metavar="PROCEDURE", help="a YAML file, or the id of a shipped procedure")
    verb.add_argument("--md", action="store_true", help="as Markdown")
    verb.add_argument("--param", metavar="K=V", action="append", default=[], help="a parameter of the procedure")


class _Verb:
    """One verb: the package whose `verbs` module has its function, its help, its options."""

    def __init__(self, package: str, words: str, options: Callable[[argparse.ArgumentParser], None]) -> None:
        self.package, self.help, self.options = package, words, options


_VERBS = {
    "demo": _Verb("demo", "a live session on a real embedded service and database", _demo),
    "lead": _Verb("console", "lead a maintenance session of a procedure", _lead),
    "attach": _Verb("console", "open the console of a live session", _attach),
    "join": _Verb("console", "the same, for another seat", _attach),
    "sessions": _Verb("station", "list the sessions of this machine", _no_options),
    "status": _Verb("station", "how a session is", _status),
    "halt": _Verb("station", "halt a session, from anywhere", _halt),
    "doctor": _Verb("station", "check what a window will need", _doctor),
    "export": _Verb("record", "export a session's record", _export),
    "verify": _Verb("record", "check a record: chains, plan, blobs", _verify),
    "lint": _Verb("procedure", "check procedures, layouts and settings", _lint),
    "schema": _Verb("procedure", "print the JSON Schema of procedures, for editors", _no_options),
    "show": _Verb("procedure", "print a plan and its rollback for paper", _show),
}


if __name__ == "__main__":
    sys.exit(main())
