"""Bills of materials as others read them: valid by CycloneDX's own schema, and looked up by name."""

import json
import zipfile
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

PLACE = "sboms/hatch-wasi.cdx.json"


def places(wheel: Path) -> list[str]:
    """Name the bills in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if ".dist-info/sboms/" in name]


def of(wheel: Path) -> dict:
    """Read the only one."""
    (place,) = places(wheel)
    assert place.endswith(f".dist-info/{PLACE}")
    with zipfile.ZipFile(wheel) as archive:
        return read(archive.read(place))


def read(content: bytes) -> dict:
    """Read one, valid by the schema and whole in itself."""
    complaint = JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode())
    assert complaint is None, complaint
    bill = json.loads(content)
    refs = [item["bom-ref"] for item in bill["components"]]
    assert len(refs) == len(set(refs))
    known = {*refs, bill["metadata"]["component"]["bom-ref"]}
    for item in bill["dependencies"]:
        assert {item["ref"], *item["dependsOn"]} <= known
    return bill


def component(bill: dict, ref: str) -> dict:
    (found,) = [item for item in bill["components"] if item["bom-ref"] == ref]
    return found


def needs(bill: dict, ref: str) -> set[str]:
    (found,) = [item["dependsOn"] for item in bill["dependencies"] if item["ref"] == ref]
    return set(found)


def sha256(item: dict) -> str:
    (found,) = item["hashes"]
    assert found["alg"] == "SHA-256"
    return found["content"]


def properties(item: dict) -> dict[str, str]:
    return {entry["name"].removeprefix("hatch-wasi:"): entry["value"] for entry in item["properties"]}


def tools(bill: dict) -> dict[str, str]:
    """Names and versions of what the wheel was built by."""
    return {item["name"]: item["version"] for part in bill.get("formulation", []) for item in part["components"]}
