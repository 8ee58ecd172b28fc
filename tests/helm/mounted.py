"""What a pod sees, in a folder: its ConfigMaps and Secrets as files, and its arguments with paths into that folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.helm.chart import Object, Rendered

__all__ = ["arguments", "mount"]

Files = Mapping[str, str]


def mount(release: Rendered, template: Object, folder: Path, secrets: Mapping[str, Files] | None = None) -> None:
    """Write the volumes of a pod template's container below `folder`, at the paths where the pod has them.

    `secrets` are those that values name, with their files. Paths inside the files are made to lead into `folder`, too.
    """
    spec = template["spec"]
    [container] = spec["containers"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for entry in container["volumeMounts"]:
        volume = volumes.get(entry["name"], {})
        target = folder / entry["mountPath"].lstrip("/")
        for path, text in _contents(release, volume, secrets or {}).items():
            if entry.get("subPath") not in (None, path):
                continue
            file = target if "subPath" in entry else target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_inside(text, folder))
        if not target.exists():
            target.mkdir(parents=True)


def _contents(release: Rendered, volume: Object, secrets: Mapping[str, Files]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in volume.get("projected", {}).get("sources", [volume]):
        if "configMap" in source:
            data = release.one("ConfigMap", source["configMap"]["name"])["data"]
            items = source["configMap"].get("items", [{"key": key, "path": key} for key in data])
            found |= {item["path"]: data[item["key"]] for item in items}
        elif "secret" in source:
            name = source["secret"]["secretName"]
            own = [item for item in release.of("Secret") if item["metadata"]["name"] == name]
            there = name in secrets or not source["secret"].get("optional")
            data = own[0]["stringData"] if own else secrets[name] if there else {}
            found |= data
    return found


def arguments(template: Object, folder: Path) -> list[str]:
    """The container's arguments, with paths into `folder`."""
    [container] = template["spec"]["containers"]
    return [_inside(argument, folder) for argument in container["args"]]


def _inside(text: str, folder: Path) -> str:
    for root in (
        "/etc/agent-obs",
        "/var/lib/agent-obs",
        "/etc/prometheus",
        "/etc/alertmanager",
        "/prometheus",
        "/alertmanager",
    ):
        for before in ("=", " ", "- ", '"'):
            text = text.replace(f"{before}{root}", f"{before}{folder}{root}")
    return text
