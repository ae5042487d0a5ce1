from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from quarterdeck.documents.nodes import Node
from quarterdeck.documents.schema import Context
from quarterdeck.errors import DocumentError, UsageError
from quarterdeck.procedure import verbs
from quarterdeck.procedure.library import find_procedure, shipped_procedures
from quarterdeck.procedure.model import Expect, Param
from quarterdeck.procedure.parameters import (
    UnknownReferenceError,
    environment_name,
    leading_dash_refused,
    references,
    splice,
    substitute,
    substitute_expect,
    value_problem,
)


def run_lint(*paths: Path, as_json: bool = False) -> int:
    return verbs.lint(argparse.Namespace(paths=[str(path) for path in paths], json=as_json))


def test_lint_of_a_clean_file_says_nothing(example_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_lint(example_path) == 0
    assert capsys.readouterr().out == ""


def test_lint_prints_the_common_form_and_fails(
    tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(example.replace("cadence:", "cadenza:"), encoding="utf-8")
    assert run_lint(path) == 1
    assert capsys.readouterr().out == (
        f"{path}:7:1: error: `cadenza` is no field of a procedure; did you mean `cadence`?\n"
    )


def test_warnings_do_not_fail(tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(example.replace("required: true, backup: sysadmin", "required: true", 1), encoding="utf-8")
    assert run_lint(path) == 0
    assert "warning: `lead` has no `backup`" in capsys.readouterr().out


def test_lint_holds_targets_against_the_machine_that_it_runs_on(
    tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(example.replace('{type: local, host: "${host}"}', "{type: local, host: no-such-host}"))
    assert run_lint(path) == 1
    assert ":43:23: error: another host than the station's own is not supported yet" in capsys.readouterr().out
    plugin = "{type: command, argv: [quarterdeck-no-such]}"
    path.write_text(example.replace("guards:\n", f"  p: {plugin}\n\nguards:\n", 1), encoding="utf-8")
    assert run_lint(path) == 0
    assert "warning: the program `quarterdeck-no-such` is not found" in capsys.readouterr().out


def test_lint_as_json_is_for_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("quarterdeck: 1\nid: [a\n", encoding="utf-8")
    assert run_lint(path, as_json=True) == 1
    [problem] = msgspec.json.decode(capsys.readouterr().out)
    assert set(problem) == {"path", "line", "column", "level", "message"}
    assert (problem["path"], problem["level"]) == (str(path), "error")


def test_lint_takes_folders_whole(tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.yaml").write_text(example, encoding="utf-8")
    (tmp_path / "deep" / "b.yml").write_text("hello", encoding="utf-8")
    (tmp_path / "deep" / "c.txt").write_text("hello", encoding="utf-8")
    assert run_lint(tmp_path) == 1
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{tmp_path / 'deep' / 'b.yml'}:1:1: error: ")


def test_a_folder_without_yaml_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no \*.yaml file"):
        run_lint(tmp_path)


def test_a_missing_file_is_one_line_and_does_not_stop_the_others(
    tmp_path: Path, example_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_lint(tmp_path / "none.yaml", example_path) == 1
    assert capsys.readouterr().out == f"{tmp_path / 'none.yaml'}:1:1: error: there is no such file\n"


def test_other_documents_are_given_to_their_readers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("quarterdeck-layout: 1\nrows: []\n", encoding="utf-8")

    def reader(root: Node, context: Context) -> None:
        context.error(root, "no rows")

    arguments = argparse.Namespace(paths=[str(path)], json=False)
    assert verbs.lint(arguments, {"quarterdeck-layout": reader}) == 1
    assert "error: no rows" in capsys.readouterr().out
    assert verbs.lint(arguments) == 0
    assert "warning: only the YAML" in capsys.readouterr().out
    path.write_text("quarterdeck-layout: 2\n", encoding="utf-8")
    assert verbs.lint(arguments) == 1
    assert "reads `quarterdeck-layout: 1`" in capsys.readouterr().out


def test_schema_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.schema(argparse.Namespace()) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


def run_show(procedure: str, *param: str, md: bool = False) -> int:
    return verbs.show(argparse.Namespace(procedure=procedure, param=list(param), md=md))


def test_show_takes_parameters(example_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_show(str(example_path), "database=stock", md=True) == 0
    assert "psql -XAtd stock -c" in capsys.readouterr().out


def test_show_of_a_wrong_file_raises_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("quarterdeck: 1\n", encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        run_show(str(path))
    assert caught.value.problems


@pytest.mark.parametrize("pairs", [["novalue"], ["=x"], ["a=1", "a=2"]])
def test_wrong_parameter_pairs_are_wrong_calls(pairs: list[str]) -> None:
    with pytest.raises(UsageError):
        verbs.parameters(pairs)


def test_a_value_may_hold_an_equals_sign() -> None:
    assert verbs.parameters(["a=b=c", "d="]) == {"a": "b=c", "d": ""}


def test_an_unknown_procedure_offers_the_nearest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "demo-night.yaml").write_text("x", encoding="utf-8")
    monkeypatch.setattr("quarterdeck.procedure.library.shipped", lambda _: tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find_procedure("demo-night") == tmp_path / "demo-night.yaml"
    assert find_procedure("other/plan.yaml") == Path("other/plan.yaml")
    with pytest.raises(UsageError, match="did you mean `demo-night`"):
        find_procedure("demo-nigth")


@pytest.mark.parametrize("path", sorted(shipped_procedures().values()), ids=lambda path: path.stem)
def test_shipped_procedures_lint_clean(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_lint(path) == 0, capsys.readouterr().out


def test_lint_loads_nothing_heavy(example_path: Path) -> None:
    code = (
        "import argparse, sys\n"
        "from quarterdeck.procedure import verbs\n"
        f"code = verbs.lint(argparse.Namespace(paths=[{str(example_path)!r}], json=False))\n"
        "heavy = {'textual', 'rich', 'httpx', 'psutil', 'sqlite3', 'asyncio', 'difflib'} & set(sys.modules)\n"
        "print(code, sorted(heavy))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "0 []\n"


def test_references_are_found_filled_and_unescaped() -> None:
    text = "a ${x} $${x} ${s.v} $x ${}"
    assert [name for name, _ in references(text)] == ["x", "s.v", ""]
    assert splice(text, {"x": "1"}) == "a 1 $${x} ${s.v} $x ${}"
    assert substitute("a ${x} $${x} ${s.v}", {"x": "1", "s.v": "2"}) == "a 1 ${x} 2"
    assert substitute("${gone}", {}, partial=True) == "${gone}"
    with pytest.raises(UnknownReferenceError, match="has no value"):
        substitute("${gone}", {})


def test_a_value_that_holds_a_reference_is_not_filled_in_again() -> None:
    assert substitute("${x}", {"x": "${y}", "y": "1"}) == "${y}"


def test_an_expectations_bounds_are_filled_in() -> None:
    expect = Expect(op="between", value="${a.n}", upper="${b.n}")
    assert substitute_expect(expect, {"a.n": "1"}) == Expect(op="between", value="1", upper="${b.n}")


def test_scripts_get_values_by_these_names() -> None:
    names = [environment_name(name) for name in ("database", "count-all.rows", "quarterdeck.home")]
    assert names == ["database", "count_all_rows", "QUARTERDECK_HOME"]


def test_a_leading_dash_needs_a_pattern() -> None:
    assert leading_dash_refused("-rf", "")
    assert not leading_dash_refused("-5", "-?[0-9]+")
    assert not leading_dash_refused("rf", "")
    assert value_problem("v", Param(), "-x")
