"""The password: prompted for when a server requires one, kept, and never shown."""

import os
import signal
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.demo.server import Cluster
from pgtop.model.failure import FailureKind
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from tests.sources.postgres.test_connection import pid_of, until_broken, unused_port


@pytest.fixture
def parameters(cluster: Cluster) -> dict[str, str]:
    options = {
        name: str(value) for name, value in conninfo_to_dict(cluster.tcp_dsn).items()
    }
    del options["password"]
    return options


async def test_prompted_once_and_remembered(
    parameters: dict[str, str], cluster: Cluster
) -> None:
    """The first connection prompts for the password, and the next uses it again."""
    prompts: list[str] = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return cluster.password

    session = ServerConnection(parameters, prompt=answer)
    first = await pid_of(session)
    os.kill(first, signal.SIGTERM)
    with pytest.raises(SourceError):
        await until_broken(session)
    assert await pid_of(session) != first
    await session.close()
    assert len(prompts) == 1


async def test_no_prompt_without_need(dsn: str) -> None:
    """A server that requires no password causes no prompt."""
    options = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    session = ServerConnection(
        options, prompt=lambda _: pytest.fail("prompted for a password")
    )
    await session.connect()
    await session.close()


async def test_prompted_when_one_of_several_hosts_requires_it(
    parameters: dict[str, str], cluster: Cluster
) -> None:
    """The host that requires one need not be the last."""
    hosts = {
        "host": "127.0.0.1,127.0.0.1",
        "port": f"{parameters['port']},{unused_port()}",
    }
    session = ServerConnection(
        {**parameters, **hosts}, prompt=lambda _: cluster.password
    )
    await session.connect()
    await session.close()


async def test_from_the_password_file(
    parameters: dict[str, str],
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The password file of libpq is read."""
    password_file = tmp_path / "passwords"
    password_file.touch(mode=0o600)
    password_file.write_text(f"127.0.0.1:{parameters['port']}:*:*:{cluster.password}\n")
    monkeypatch.setenv("PGPASSFILE", str(password_file))
    session = ServerConnection(
        parameters, prompt=lambda _: pytest.fail("prompted for a password")
    )
    await session.connect()
    await session.close()


async def test_a_rejected_password_is_never_shown(parameters: dict[str, str]) -> None:
    """A wrong password is a failure of its own kind, and appears in no text."""
    session = ServerConnection({**parameters, "password": "open sesame"})
    with pytest.raises(SourceError) as caught:
        await session.connect()
    assert caught.value.failure.kind is FailureKind.PASSWORD
    texts = [
        repr(session),
        str(caught.value),
        repr(caught.value.failure),
        str(caught.value.__cause__),
    ]
    assert not [text for text in texts if "sesame" in text]


async def test_required_without_a_prompt(parameters: dict[str, str]) -> None:
    """Without a terminal, the advice names other ways to give a password."""
    with pytest.raises(SourceError) as caught:
        await ServerConnection(parameters).connect()
    assert caught.value.failure.kind is FailureKind.PASSWORD
    assert "PGPASSWORD" in caught.value.failure.advice
