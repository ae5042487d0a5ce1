"""The shim that runs one command of a step, and outlives the station that started it.

Started as `python -m quarterdeck.runner SPEC.json` by `station.commands.runs`; standard library only, so that it
starts fast and stays small. It talks to nobody: everything goes through files of its run folder (`files`), so a
station that was killed finds the command again. It never decides about a session; it applies what its spec says.

`files` names the run folder's files, `spec` reads the order, `spool` keeps the output, `processes` finds and
signals descendants, `escalation` ends them, `supervise` is the loop, `spec` the report.
"""
