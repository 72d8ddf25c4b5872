"""Zipped PEFT folders, right and damaged."""

import io
import zipfile

from t2l_fast.serve.http.peft_zip import pack

ZIP = {"content-type": "application/zip"}
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def zipped(server, serving, seed=7, rank=8, **change) -> bytes:
    weights = serving.weights(server.engine.adapters, seed, rank)
    content = pack(weights.for_sites(server.engine.adapters.sites))
    if not change:
        return content
    files = {
        i: zipfile.ZipFile(io.BytesIO(content)).read(i)
        for i in zipfile.ZipFile(io.BytesIO(content)).namelist()
    }
    return remade(files | change)


def remade(files: dict[str, bytes], compression=zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, data in files.items():
            if data is not None:
                archive.writestr(name, data)
    return made.getvalue()
