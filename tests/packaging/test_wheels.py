"""Packages made of wheels: a zipapp, a wheelhouse, a Debian package and an image."""

import ast
import json
import os
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pgtop import __version__
from pgtop.demo.server import Cluster
from pgtop.packaging import deb, wheelhouse, wheels, zipapp
from pgtop.packaging.project import HERE
from tests.packaging.copied_system import run_in_copy
from tests.packaging.steps import end_a_session
from tests.readme import ROOT

pytestmark = pytest.mark.system

Wheels = Sequence[Path]

_START = HERE / "zipapp_start.py"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_BYTE_CODE = {"PIP_NO_COMPILE": "0"}  # pip means the option by it, and wants a no
"""Byte code takes pip longer than all else, and a single start does not need it."""
_DOCKERFILE = HERE / "Dockerfile"


def test_the_zipapp_ends_a_session(
    collected_wheels: Wheels, cluster: Cluster, tmp_path: Path
) -> None:
    """One file has pgtop and its libraries, compiled for each Python that pgtop supports."""
    path = zipapp.make(collected_wheels, tmp_path)
    with zipfile.ZipFile(path) as archive:
        names = " ".join(archive.namelist())
    for version in wheels.pythons():
        assert f"_psycopg.cpython-{version.replace('.', '')}-" in names
    plain = ["env", "-i", "TERM=linux", f"HOME={tmp_path}"]
    end_a_session([*plain, sys.executable, str(path)], cluster)


def test_an_old_python_gets_a_sentence_from_the_zipapp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ast.parse(_START.read_text(), feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"^pgtop: This file needs Python 3\.11"):
        runpy.run_path(str(_START))


@pytest.fixture(scope="module")
def wheelhouse_folder(
    collected_wheels: Wheels, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Make the wheelhouse."""
    folder, _ = wheelhouse.make(collected_wheels, tmp_path_factory.mktemp("wheelhouse"))
    return folder


def test_the_wheelhouse_installs_by_its_own_first_line(
    wheelhouse_folder: Path, tmp_path: Path
) -> None:
    """No index is asked, and each file must have the hash that the wheelhouse lists."""
    requirements = (wheelhouse_folder / "requirements.txt").read_text()
    words = requirements.partition("\n")[0].removeprefix("# pip ").split()
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", tmp_path / "venv", "-q", *words],
        cwd=wheelhouse_folder,
        env={"PATH": os.defpath, **_NO_BYTE_CODE},
        check=True,
    )
    version = subprocess.check_output([tmp_path / "venv/bin/pgtop", "-V"], text=True)
    assert version == f"pgtop {__version__}\n"


def test_the_list_of_components_is_valid_and_complete(
    collected_wheels: Wheels, wheelhouse_folder: Path
) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (wheelhouse_folder / "components.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    parts = [bill["metadata"]["component"], *bill["components"]]
    files = [each["url"] for part in parts for each in part["externalReferences"]]
    assert sorted(files) == [path.name for path in collected_wheels]
    assert all(part["licenses"] for part in parts)


def test_the_debian_package_installs_and_goes(
    collected_wheels: Wheels, tmp_path: Path
) -> None:
    """The package has a command, a man page and completion, and leaves nothing behind."""
    path = deb.make(collected_wheels, tmp_path)
    script = f"""
        dpkg --no-triggers --install {path} >&2
        env -i /usr/bin/pgtop --version
        ls /usr/share/man/man1/pgtop.1.gz /usr/share/bash-completion/completions/pgtop
        ls /usr/lib/python3-pgtop/pgtop/__pycache__ | head -n 1
        dpkg --no-triggers --purge python3-pgtop >&2
        test ! -e /usr/lib/python3-pgtop -a ! -e /usr/bin/pgtop
    """
    (tmp_path / "copy").mkdir()
    lines = run_in_copy(script, tmp_path / "copy", {"PATH": _PATH}).splitlines()
    assert lines[0] == f"pgtop {__version__}"
    assert len(lines) == 4


def test_the_image_runs_as_an_ordinary_user() -> None:
    """A linter reads the Dockerfile; there is no daemon here that could build from it."""
    hadolint = Path(sys.executable).with_name("hadolint")
    subprocess.run([hadolint, _DOCKERFILE], check=True)
    last = dict(_instructions())
    assert last["USER"] not in ("root", "0")
    assert "TERM=" in last["ENV"]
    assert "VOLUME" not in last


def test_the_commands_of_the_image_run(tmp_path: Path) -> None:
    """On a copy of this machine the commands install a pgtop that starts."""
    instructions = _instructions()
    commands = [words for name, words in instructions if name == "RUN"]
    [entry_point] = [words for name, words in instructions if name == "ENTRYPOINT"]
    [program] = json.loads(entry_point)
    python = Path(sys.base_prefix, "bin")
    script = "\n".join(
        (
            f"command -v python || ln -s python3 {python}/python",
            f"mkdir /src; cd /src; cp -r {ROOT}/pyproject.toml {ROOT}/README.md {ROOT}/pgtop .",
            *commands,
            f"{program} --version",
        )
    )
    environment = {**os.environ, **_NO_BYTE_CODE, "PATH": f"{python}:{_PATH}"}
    output = run_in_copy(script, tmp_path, environment)
    assert output.splitlines()[-1] == f"pgtop {__version__}"


def _instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", _DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = [line.split(maxsplit=1) for line in lines]
    return [(name, words) for name, words in pairs]
