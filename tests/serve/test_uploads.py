"""Uploads: zipped PEFT folders, right, damaged and too large."""

import io
import json
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from t2l_fast.serve.config import Limits
from t2l_fast.serve.http.peft_zip import pack, unpack
from tests.serve.zips import CONFIG, WEIGHTS, ZIP, remade, zipped


def made(served, tiny, **options):
    torch.manual_seed(0)
    generator = tiny.generator(tiny.model())
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return served(
        generator=generator, limits=Limits(descriptions=40, upload_bytes=300_000), **options
    )


@pytest.fixture
def server(served, tiny):
    return made(served, tiny)


@pytest.fixture(scope="module")
def refusing(served_to_all, tools):
    """A server that nothing is ever registered with."""
    return made(served_to_all, tools)


def test_a_zipped_folder_with_other_files_and_a_folder_inside(server, serving):
    content = zipped(server, serving)
    archive = zipfile.ZipFile(io.BytesIO(content))
    files = {f"my/adapter/{n}": archive.read(n) for n in archive.namelist()}
    files["my/adapter/README.md"] = b"hello"
    got = server.http().post("/v1/adapters?name=mine", content=remade(files), headers=ZIP)
    assert got.status_code == 201
    assert server.engine.bank.weights("mine").config.rank == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({WEIGHTS: None}, "must hold one adapter_model.safetensors, got 0"),
        ({CONFIG: None}, "must hold one adapter_config.json, got 0"),
        ({f"x/{CONFIG}": b"{}"}, "must hold one adapter_config.json, got 2"),
        ({CONFIG: b"{"}, "can't be read as JSON"),
        ({CONFIG: b"[]"}, "must hold a JSON object"),
        ({CONFIG: b'{"peft_type": "LORA", "r": "x", "target_modules": ["q_proj"]}'}, ""),
        ({CONFIG: b'{"peft_type": "LORA", "r": 8, "lora_alpha": [], "target_modules": 3}'}, ""),
        ({CONFIG: b"\xff\xfe"}, "can't be read as JSON"),
        ({WEIGHTS: b"x" * 100}, "can't be read as safetensors"),
    ],
    ids=[
        "no weights",
        "no config",
        "two configs",
        "cut config",
        "a list",
        "rank of letters",
        "odd types",
        "no text",
        "no safetensors",
    ],
)
def test_bad_uploads_change_nothing(refusing, serving, change, words):
    content = zipped(refusing, serving, **change)
    assert len(content) < 200_000
    got = refusing.http().post("/v1/adapters", content=content, headers=ZIP)
    assert got.status_code == 400, got.text
    assert words in got.json()["error"]["message"]
    assert "/tmp" not in got.text
    assert len(refusing.engine.bank) == 0


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"PK\3\4nonsense", 400), (b"", 400), (b"x" * 300_001, 413)],
    ids=["no zip", "nothing", "too large"],
)
def test_uploads_that_are_no_zip(refusing, content, status):
    got = refusing.http().post("/v1/adapters", content=content, headers=ZIP)
    assert got.status_code == status
    assert got.json()["error"]["message"]


def test_weights_that_do_not_fit_the_model(refusing, serving):
    small = zipped(refusing, serving)
    archive = zipfile.ZipFile(io.BytesIO(small))
    config = json.loads(archive.read(CONFIG)) | {"target_modules": ["gate_proj"]}
    tensors = archive.read(WEIGHTS).replace(b"down_proj", b"gate_proj")
    content = remade({CONFIG: json.dumps(config).encode(), WEIGHTS: tensors})
    got = refusing.http().post("/v1/adapters", content=content, headers=ZIP)
    assert got.status_code == 400
    assert "gate_proj" in got.json()["error"]["message"]


@settings(suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_uploads_are_never_the_servers_fault(refusing, serving, data):
    content = bytearray(zipped(refusing, serving, **{"other": b"x"}))
    kind = data.draw(st.sampled_from(["config", "flip", "cut", "move"]))
    if kind == "config":
        odd = st.sampled_from(["r", "lora_alpha", "peft_type", "target_modules", "use_rslora", "x"])
        value = st.sampled_from(
            [10**400, -1, "\ud800", [], {}, None, True, 1e308, ["q_proj"] * 3, "q" * 3000, 0]
        )
        fields = {"peft_type": "LORA", "r": 8, "lora_alpha": 8, "target_modules": ["q_proj"]}
        fields[data.draw(odd)] = data.draw(value)
        content = zipped(refusing, serving, **{CONFIG: json.dumps(fields).encode()})
    elif kind == "flip":
        # most of it is weights: aim at what is read first
        for _ in range(data.draw(st.integers(1, 4))):
            near = data.draw(st.integers(0, 600))
            at = near if data.draw(st.booleans()) else len(content) - 1 - near
            content[at] = data.draw(st.integers(0, 255))
    elif kind == "cut":
        del content[data.draw(st.integers(0, len(content))) :]
    else:
        at = data.draw(st.integers(0, len(content)))
        content = content[at:] + content[:at]
    http = refusing.http()
    got = http.post("/v1/adapters", content=bytes(content), headers=ZIP)
    assert got.status_code in (201, 400), got.text
    for entry in got.json().get("data", ()):
        http.delete(f"/v1/adapters/{entry['id']}")


@pytest.mark.parametrize(
    "name", ["a." * 50_000, "²", "1" * 5000, "\ud800"], ids=["long", "digit", "number", "half"]
)
def test_odd_module_paths(refusing, name):
    from safetensors.torch import save

    tensors = {f"{name}.lora_A.weight": torch.ones(1, 1), f"{name}.lora_B.weight": torch.ones(1, 1)}
    fields = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]}
    try:
        weights = save(tensors)
    except Exception:
        weights = b'\x08\0\0\0\0\0\0\0{"\\ud800'
    content = remade({CONFIG: json.dumps(fields).encode(), WEIGHTS: weights})
    got = refusing.http().post("/v1/adapters", content=content, headers=ZIP)
    assert got.status_code == 400


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(refusing, serving, value):
    weights = serving.weights(refusing.engine.adapters, 3).for_sites(refusing.engine.adapters.sites)
    weights.lora_b["q_proj"][1, 2, 3] = value
    got = refusing.http().post("/v1/adapters", content=pack(weights), headers=ZIP)
    assert got.status_code == 400
    assert "must be finite" in got.json()["error"]["message"]


def test_a_scale_that_is_not_finite(refusing, serving):
    fields = {"peft_type": "LORA", "r": 8, "lora_alpha": 1e300, "target_modules": ["q_proj"]}
    content = zipped(refusing, serving, **{CONFIG: json.dumps(fields).encode()})
    got = refusing.http().post("/v1/adapters", content=content, headers=ZIP)
    assert got.status_code == 400


def test_uploads_are_counted(served, serving):
    server = served(limits=Limits(trained=2))
    http = server.http()
    contents = [zipped(server, serving, seed=i) for i in range(3)]
    got = [http.post("/v1/adapters", content=c, headers=ZIP) for c in contents]
    assert [r.status_code for r in got] == [201, 201, 403]
    http.delete(f"/v1/adapters/{got[0].json()['data'][0]['id']}")
    assert http.post("/v1/adapters", content=contents[2], headers=ZIP).status_code == 201


def test_pack_and_unpack_keep_every_number(server, serving):
    weights = serving.weights(server.engine.adapters, 3, 2).for_sites(server.engine.adapters.sites)
    back = unpack(pack(weights), 1 << 20)
    for m in weights.lora_a:
        assert torch.equal(back.lora_a[m], weights.lora_a[m])
        assert torch.equal(back.lora_b[m], weights.lora_b[m])
    assert back.paths == weights.paths


def test_what_is_too_large_once_unzipped(refusing, serving):
    content = zipped(refusing, serving, **{WEIGHTS: b"\0" * 3_000_000})
    assert len(content) < 300_000
    got = refusing.http().post("/v1/adapters", content=content, headers=ZIP)
    assert got.status_code == 413
    assert "300000 bytes unzipped" in got.json()["error"]["message"]
    assert "--max-upload-mb" in got.json()["error"]["message"]
    assert len(refusing.engine.bank) == 0


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
def test_a_client_that_still_sends_hears_that_it_is_too_much(refusing, declared):
    content = b"x" * 30_000_000  # more than any buffer between the two
    sent = (
        content if declared else (content[i : i + 10_000] for i in range(0, len(content), 10_000))
    )
    got = refusing.http().post("/v1/adapters", content=sent, headers=ZIP)
    assert got.status_code == 413
    assert "300000 bytes" in got.json()["error"]["message"]
    assert "--max-upload-mb" in got.json()["error"]["message"]


def test_an_ordinary_adapter_of_a_7b_model_fits_the_limit():
    width, inner, layers, rank = 4096, 11008, 32, 64
    numbers = layers * rank * (4 * (width + width) + 3 * (width + inner))
    assert Limits().upload_bytes > 2 * numbers + 1_000_000


@pytest.mark.slow
def test_an_upload_of_80_megabytes(served, serving):
    server = served()
    archive = zipfile.ZipFile(io.BytesIO(zipped(server, serving)))
    files = {name: archive.read(name) for name in archive.namelist()}
    content = remade(files | {"notes.bin": b"\0" * 80_000_000}, zipfile.ZIP_STORED)
    got = server.http().post("/v1/adapters?name=it", content=content, headers=ZIP)
    assert got.status_code == 201, got.text
    assert server.http().put("/v1/adapters/it", content=content, headers=ZIP).status_code == 200
