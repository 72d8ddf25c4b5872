"""PEFT folders as zip files: what a server takes and gives."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from t2l_fast.adapters import LoraWeights
from t2l_fast.adapters.peft_format import CONFIG_NAME, WEIGHTS_NAME
from t2l_fast.errors import AdapterFormatError, T2LError

_WANTED = (CONFIG_NAME, WEIGHTS_NAME)
_PIECE = 1 << 20


def pack(weights: LoraWeights) -> bytes:
    """Zip a PEFT folder's files.

    Raises:
        AdapterMismatch: the weights don't know their modules' paths.
    """
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        weights.save_pretrained(folder)
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name in _WANTED:
                archive.write(Path(folder) / name, name)
    return buffer.getvalue()


class UploadTooLarge(AdapterFormatError):
    """An upload is larger, unzipped, than the server takes."""


def unpack(content: bytes | IO[bytes], limit: int) -> LoraWeights:
    """Read what `pack` makes, or a zipped folder: two files are taken out, and no others.

    Args:
        content: the zip file, or a file that holds it.
        limit: bytes that the two may have, unzipped.

    Raises:
        AdapterFormatError: no zip file, damaged, or not exactly one of each file in it.
        UploadTooLarge: the two are larger.
        ConfigError: the adapter uses a PEFT feature that is not run here.
    """
    folder = ""
    try:
        with tempfile.TemporaryDirectory() as folder:
            _extract(io.BytesIO(content) if isinstance(content, bytes) else content, folder, limit)
            return LoraWeights.from_pretrained(folder)
    except UploadTooLarge:
        raise
    except AdapterFormatError as error:
        shown = str(error).replace(folder, "the upload") if folder else str(error)
        raise AdapterFormatError(shown) from None
    except T2LError:
        raise
    except Exception as error:
        # zip files, JSON and tensors of strangers fail in more ways than libraries promise
        raise AdapterFormatError(
            f"the upload must be a zip file with a PEFT folder, got one that does not read: "
            f"{type(error).__name__}"
        ) from None


def _extract(content: IO[bytes], folder: str, limit: int) -> None:
    with zipfile.ZipFile(content) as archive:
        left = limit
        for name in _WANTED:
            members = [i for i in archive.infolist() if i.filename.split("/")[-1] == name]
            if len(members) != 1:
                raise AdapterFormatError(
                    f"a zipped PEFT folder must hold one {name}, got {len(members)}"
                )
            with archive.open(members[0]) as member, (Path(folder) / name).open("wb") as out:
                while piece := member.read(_PIECE):  # a header may lie about the size
                    left -= len(piece)
                    if left < 0:
                        raise UploadTooLarge(
                            f"{name} and its configuration may have {limit} bytes unzipped, got "
                            "more: upload a smaller adapter, or have the server started with a "
                            "larger --max-upload-mb"
                        )
                    out.write(piece)
