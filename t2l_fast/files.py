"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4


def replace_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files of one folder together: a failure leaves what was there before.

    Raises:
        OSError: the folder can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tag = f"{os.getpid()}-{uuid4().hex}"
    several = len(contents) > 1  # one alone is replaced or not
    new = {name: folder / f".{name}.{tag}.new" for name in contents}
    old = {name: folder / f".{name}.{tag}.old" for name in contents}
    renamed: list[str] = []
    try:
        for name, content in contents.items():
            with new[name].open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name in contents:
            if several and (folder / name).exists():
                shutil.copyfile(folder / name, old[name])
        for name in contents:
            os.replace(new[name], folder / name)
            renamed.append(name)
    except BaseException:
        for name in renamed if several else ():
            if old[name].exists():
                shutil.move(old[name], folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        raise
    finally:
        for path in (*new.values(), *old.values()):
            path.unlink(missing_ok=True)


def sweep(folder: Path, names: Iterable[str]) -> None:
    """Remove what a killed `replace_files` left beside single files that nobody writes now."""
    for name in names:
        for suffix in ("new", "old"):
            for path in folder.glob(f".{name}.*.{suffix}"):
                path.unlink(missing_ok=True)
