"""Opening a session: what lint refuses never becomes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from quarterdeck.errors import DocumentError
from quarterdeck.station.sessions import open_session

WATCHED = """\
quarterdeck: 1
id: watched
title: Watched
revision: 1
params: {{where: {{default: no-such-host}}}}
targets: {{here: {target}}}
stages: [{{id: s, title: S, steps: [{{id: a, title: A, kind: note, instructions: x}}]}}]
"""


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("{type: local, host: no-such-host}", "another host than the station's own"),
        ("{type: http, url: 'http://127.0.0.1:1/', verify: no}", "TLS is always verified"),
    ],
)
def test_a_session_is_not_opened_to_watch_what_cannot_be_watched(tmp_path: Path, target: str, message: str) -> None:
    path = tmp_path / "watched.yaml"
    path.write_text(WATCHED.format(target=target))
    with pytest.raises(DocumentError) as refused:
        open_session(path, home=tmp_path / "home")
    assert any(message in problem for problem in refused.value.problems)
    assert not (tmp_path / "home").exists()


def test_a_host_that_a_parameter_names_is_left_to_who_gives_it(tmp_path: Path) -> None:
    path = tmp_path / "watched.yaml"
    path.write_text(WATCHED.format(target="{type: local, host: '${where}'}"))
    assert open_session(path, home=tmp_path / "home").is_dir()
