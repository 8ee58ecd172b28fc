"""Writes the pages and the provisioning, and finds out whether what is on disk is what would be written."""

from __future__ import annotations

import json
from pathlib import Path

from dashboards import DASHBOARDS
from dashboards.provisioning import provisioning_files

__all__ = ["MAX_BYTES", "OUTPUT", "differing", "generated_files", "write"]

OUTPUT = Path(__file__).resolve().parent
MAX_BYTES = 256 * 1024
"""Limit of a page's file, so that a ConfigMap (1 MiB) holds several."""

_GENERATED_FOLDERS = ("json", "provisioning")


def generated_files() -> dict[str, str]:
    """File contents by path below `OUTPUT`. Raises ValueError for a page above the size limit."""
    files = {f"provisioning/{path}": text for path, text in provisioning_files().items()}
    for module, folder in DASHBOARDS:
        page = module.page()
        text = json.dumps(page.json(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        if (size := len(text.encode())) > MAX_BYTES:
            raise ValueError(f"{page.uid} is {size} bytes long, more than {MAX_BYTES}: split the page")
        files[f"json/{folder}/{page.uid}.json"] = text
    return files


def differing(output: Path = OUTPUT) -> list[str]:
    """Paths that are missing, out of date, or no longer generated."""
    files = generated_files()
    stale = _on_disk(output) - files.keys()
    outdated = {path for path, text in files.items() if _read(output / path) != text}
    return sorted(stale | outdated)


def write(output: Path = OUTPUT) -> list[str]:
    """Make `output` hold exactly the generated files; returns the paths that changed."""
    files = generated_files()
    changed = differing(output)
    for path in changed:
        file = output / path
        if path in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(files[path], encoding="utf-8")
        else:
            file.unlink()
    return changed


def _on_disk(output: Path) -> set[str]:
    folders = (output / folder for folder in _GENERATED_FOLDERS)
    return {str(file.relative_to(output)) for folder in folders for file in folder.rglob("*") if file.is_file()}


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
