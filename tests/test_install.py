"""What ships: layouts and procedures, in an editable install and in the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from quarterdeck.shipped import shipped

ROOT = Path(__file__).parent.parent


def test_layouts_and_procedures_are_found_here() -> None:
    assert (shipped("layouts") / "lead.yaml").is_file()
    assert (shipped("procedures") / "demo-database-maintenance.yaml").is_file()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(out), str(ROOT)],
        check=True, capture_output=True, timeout=110,
    )  # fmt: skip
    return next(out.glob("*.whl"))


def test_the_wheel_carries_them(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("layouts", "procedures"):
        for path in (ROOT / folder).glob("*.yaml"):
            assert f"quarterdeck/{folder}/{path.name}" in names
    assert any(name.startswith("quarterdeck/record/templates/") for name in names)
    assert "quarterdeck/py.typed" in names


def test_the_unpacked_wheel_finds_its_own(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from quarterdeck.shipped import shipped; print(shipped('procedures'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert Path(done.stdout.strip()) == tmp_path / "quarterdeck" / "procedures"
