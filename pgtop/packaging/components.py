"""The list of components, which a security team reads before it allows an installation.

https://cyclonedx.org
"""

import hashlib
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING

from pgtop.packaging import wheels
from pgtop.packaging.project import Library, libraries, normalised

if TYPE_CHECKING:
    from cyclonedx.model import ExternalReference
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License

_APPROVED = "License :: OSI Approved :: "


def bill(collected: Sequence[Path]) -> str:
    """Return the list in CycloneDX 1.6: pgtop, its libraries, and which of them needs which."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    paths = wheels.by_name(collected)
    known = libraries(lambda name: wheels.read(paths[normalised(name)][0]))
    parts = {name: _component(known[name], paths[name]) for name in known}
    product = parts["pgtop"]
    bom = Bom(components=[part for part in parts.values() if part is not product])
    bom.metadata.component = product
    for name, library in known.items():
        needs = [parts[need] for need in library.needs]
        bom.register_dependency(parts[name], needs)
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    return text


def sha256(path: Path) -> str:
    """Return the hash of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _component(library: Library, paths: Sequence[Path]) -> "Component":
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    inside = library.distribution
    name = normalised(inside.name)
    is_product = name == "pgtop"
    return Component(
        name=name,
        version=inside.version,
        type=ComponentType.APPLICATION if is_product else ComponentType.LIBRARY,
        bom_ref=name,
        purl=PackageURL("pypi", None, name, inside.version),
        licenses=_licences(inside),
        external_references=map(_file, paths),
    )


def _file(path: Path) -> "ExternalReference":
    """Return a wheel with its hash."""
    from cyclonedx.model import (
        ExternalReference,
        ExternalReferenceType,
        HashAlgorithm,
        HashType,
        XsUri,
    )

    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(path.name),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256(path))],
    )


def _licences(inside: Distribution) -> "Sequence[License]":
    """Return the licence in whichever of its three places a library has put it."""
    from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression

    if expressions := inside.metadata.get_all("License-Expression"):
        return [LicenseExpression(expressions[0])]
    classifiers = inside.metadata.get_all("Classifier") or []
    approved = [each for each in classifiers if each.startswith(_APPROVED)]
    names = [each.removeprefix(_APPROVED) for each in approved]
    if not names:
        names = inside.metadata.get_all("License") or []
    return [DisjunctiveLicense(name=name) for name in names]
