"""The command line: which verb with which options. Thin: each verb's module is imported when that verb runs.

`--version` is answered before argparse is imported. Exit codes: 0 done, 1 failure, 2 wrong call; sessions that end in
`lead`, `attach` and `demo` answer 0 completed, 10 rolled back, 11 rolled back with exceptions, 12 abandoned,
13 recovered by contingency, 3 detached while live.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["build_parser", "main"]

_VERBS = {
    "demo": "demo",
    "lead": "console",
    "attach": "console",
    "join": "console",
    "sessions": "station",
    "status": "station",
    "halt": "station",
    "doctor": "station",
    "export": "record",
    "verify": "record",
    "lint": "procedure",
    "schema": "procedure",
    "show": "procedure",
}
"""Each verb, and the package whose `verbs` module has its function."""


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit code. No traceback reaches a person."""
    words = sys.argv[1:] if arguments is None else arguments
    if words in (["--version"], ["-V"]):
        from quarterdeck import __version__

        print(f"quarterdeck {__version__}")
        return 0
    from quarterdeck.errors import QuarterdeckError

    parser = build_parser()
    parsed = parser.parse_args(words)
    if parsed.print_completion:
        import shtab

        print(shtab.complete(parser, parsed.print_completion))
        return 0
    if parsed.verb is None:
        parser.print_help()
        return 2
    try:
        return _run(parsed)
    except QuarterdeckError as error:
        return _tell(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return _no_reader()
    except Exception as error:  # noqa: BLE001 - the process's own boundary: no traceback reaches a person
        return _tell_crash(error)


def _run(parsed: argparse.Namespace) -> int:
    from importlib import import_module

    module = import_module(f"quarterdeck.{_VERBS[parsed.verb]}.verbs")
    code: int = getattr(module, parsed.verb)(parsed)
    sys.stdout.flush()
    return code


def _tell(error: Exception) -> int:
    """Print an error for a person: one line, and one for each problem of a document."""
    for problem in getattr(error, "problems", ()):
        print(problem, file=sys.stderr)
    print(f"quarterdeck: {error}", file=sys.stderr)
    return int(getattr(error, "exit_code", 1))


def _tell_crash(error: Exception) -> int:
    """One line, and where the rest is written."""
    from quarterdeck.console.crash import write

    where = write(error).path
    kept = f": {where}" if where else ""
    print(f"quarterdeck: stopped on an error of its own{kept} (a live session goes on)", file=sys.stderr)
    return 1


def _no_reader() -> int:
    """Whoever read our output has gone (`| head`): end quietly."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all verbs."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="quarterdeck",
        description="A terminal console for live maintenance sessions.",
        epilog="Try it: quarterdeck demo",
    )
    parser.add_argument("--version", "-V", action="store_true", help="print the version")
    parser.add_argument("--print-completion", choices=["bash", "zsh", "tcsh"], help="print a shell completion script")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    _session_verbs(verbs)
    _record_verbs(verbs)
    _procedure_verbs(verbs)
    return parser


def _screen_options(verb: argparse.ArgumentParser) -> None:
    """What every verb with a console takes."""
    verb.add_argument("--layout", metavar="NAME", default="", help="layout to begin with: lead, compact, or your own")
    verb.add_argument("--theme", metavar="NAME", default="", help="quarterdeck, high-contrast or colour-blind")
    verb.add_argument("--ascii", action="store_true", help="glyphs for poor terminals")
    verb.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    verb.add_argument("--plain", action="store_true", help="line by line, for screen readers and dumb terminals")


def _session_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = verbs.add_parser("demo", help="a live session on a real embedded service and database")
    demo.add_argument("--auto", action="store_true", help="without a terminal, answering by itself")
    demo.add_argument("--bad-night", action="store_true", help="the night with the classic mistake")
    demo.add_argument("--halt-after", metavar="STEP", default="", help="with --auto: halt after STEP and roll back")
    demo.add_argument("--fault", choices=["slow", "errors", "disk", "step"], default="", help="break something")
    demo.add_argument("--out", metavar="DIR", default="", help="with --auto: export the record there")
    demo.add_argument("--rows", metavar="N", type=int, default=200_000, help="orders in the database at the start")
    _screen_options(demo)

    lead = verbs.add_parser("lead", help="lead a maintenance session of a procedure")
    lead.add_argument("procedure", metavar="PROCEDURE", help="a YAML file, or the id of a shipped procedure")
    lead.add_argument("--param", metavar="K=V", action="append", default=[], help="a parameter of the procedure")
    lead.add_argument("--window", metavar="START/END", default="", help="ISO 8601 times with an offset, or spans")
    lead.add_argument("--headless", action="store_true", help="intents as JSON lines on stdin, events on stdout")
    _screen_options(lead)

    for name, words in (("attach", "open the console of a live session"), ("join", "the same, for another seat")):
        attach = verbs.add_parser(name, help=words)
        attach.add_argument(
            "session", metavar="SESSION", nargs="?", default="", help="any unambiguous part of its id"
        )
        _screen_options(attach)

    verbs.add_parser("sessions", help="list the sessions of this machine")
    status = verbs.add_parser("status", help="how a session is")
    status.add_argument("session", metavar="SESSION", nargs="?", default="", help="any unambiguous part of its id")
    status.add_argument("--json", action="store_true", help="for tools")
    halt = verbs.add_parser("halt", help="halt a session, from anywhere")
    halt.add_argument("session", metavar="SESSION", nargs="?", default="", help="any unambiguous part of its id")
    halt.add_argument("--reason", default="", help="why; can be given later")
    doctor = verbs.add_parser("doctor", help="check what a window will need")
    doctor.add_argument("procedure", metavar="PROCEDURE", nargs="?", default="", help="check for this procedure")
    doctor.add_argument("--json", action="store_true", help="for tools")


def _record_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = verbs.add_parser("export", help="export a session's record")
    export.add_argument("session", metavar="SESSION", nargs="?", default="", help="any unambiguous part of its id")
    export.add_argument("--format", default="jsonl,json,md,html", help="comma separated: jsonl, json, md, html")
    export.add_argument("-o", "--out", metavar="DIR", default="", help="folder to write to (default: here)")
    export.add_argument("--force", action="store_true", help="overwrite what is there")
    verify = verbs.add_parser("verify", help="check a record: chains, plan, blobs")
    verify.add_argument("record", metavar="RECORD", help="a record's .jsonl file, or its folder")


def _procedure_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lint = verbs.add_parser("lint", help="check procedures, layouts and settings")
    lint.add_argument("paths", metavar="PATH", nargs="+", help="YAML files or folders")
    lint.add_argument("--json", action="store_true", help="for tools")
    verbs.add_parser("schema", help="print the JSON Schema of procedures, for editors")
    show = verbs.add_parser("show", help="print a plan and its rollback for paper")
    show.add_argument("procedure", metavar="PROCEDURE", help="a YAML file, or the id of a shipped procedure")
    show.add_argument("--md", action="store_true", help="as Markdown")
    show.add_argument("--param", metavar="K=V", action="append", default=[], help="a parameter of the procedure")


if __name__ == "__main__":
    sys.exit(main())
