"""Adapters by their name on the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from t2l_fast.adapters.peft_format.names import (
    CONFIG_NAME,
    INDEX_NAME,
    PICKLE_NAME,
    SHARDS,
    WEIGHTS_NAME,
)
from t2l_fast.errors import AdapterFormatError

_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(?:/[\w.-]+)*")


def local_folder(name: str | Path, revision: str | None = None) -> Path:
    """Return a folder as it is, or one that holds what `owner/name[/folder]` has on the hub.

    Args:
        name: a folder, else a name on the hub.
        revision: branch, tag or commit on the hub.

    Raises:
        AdapterFormatError: it is no folder, and the hub doesn't give it.
    """
    folder = Path(name)
    if folder.exists() or not isinstance(name, str) or not _NAME.fullmatch(name):
        return folder
    from huggingface_hub import snapshot_download

    owner, repository, *below = name.split("/")
    inside = "/".join(below)
    files = (CONFIG_NAME, WEIGHTS_NAME, PICKLE_NAME, INDEX_NAME, SHARDS)
    wanted = [f"{inside}/{file}".lstrip("/") for file in files]
    try:
        local = snapshot_download(f"{owner}/{repository}", revision=revision, allow_patterns=wanted)
    except Exception as error:  # the hub raises many kinds; all mean that it is not to be had
        reason = str(error).split("\n", 1)[0]
        raise AdapterFormatError(
            f"an adapter must be a PEFT folder that holds {CONFIG_NAME}, or a name on the hub, got "
            f"{name!r}, which is neither as seen from here: {reason}"
        ) from error
    return Path(local) / inside
