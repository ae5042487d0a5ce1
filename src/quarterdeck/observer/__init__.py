"""Sampling: gauges of this host and checks of services, in a process of their own.

The station starts that process (`client`), tells it what to watch (`messages.Watch`) and gets readings back.
Nothing here decides what a reading means for a session: guards, expected outages and criteria are judged in
`session/`. Nothing here writes a file, and no secret leaves the process that resolved it.

Files: `messages` the messages, `pipe` their frames, `client` the station's end, `main` the child,
`gauges`, `mounts` and `top` this host, `checks/` one module for each type of check, `status` what a
result means after its history, `baseline` statistics. Import the modules; this package itself imports nothing.
"""
