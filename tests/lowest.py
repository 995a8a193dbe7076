"""The lowest versions that pyproject.toml admits, as pip constraints: `python -m tests.lowest`."""

import re
import tomllib
from pathlib import Path

_BOUND = re.compile(
    r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?>=([0-9.]+)(?:,<[0-9.]+)?(?:;.*)?"
)


def constraints(dependencies: list[str]) -> list[str]:
    """Return the lowest version of each dependency. Raises ValueError for one that has none."""
    matches = [_BOUND.fullmatch(dependency) for dependency in dependencies]
    if None in matches:
        raise ValueError(
            f"each of {dependencies} must have a lower bound, such as >=1.2 or >=1.2,<2"
        )
    lowest = {match[1]: match[2] for match in matches if match is not None}
    return [f"{name}=={version}" for name, version in lowest.items()]


if __name__ == "__main__":
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    print("\n".join(constraints(project["project"]["dependencies"])))
