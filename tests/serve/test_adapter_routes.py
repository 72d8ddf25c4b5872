"""Registering, listing, downloading and deleting adapters."""

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import t2l_fast as t2l
from t2l_fast.serve import SamplingParams
from t2l_fast.serve.http.peft_zip import pack, unpack
from t2l_fast.serve.tenants.limits import Limits

ZIP = {"content-type": "application/zip"}


def made(served, tiny, **options):
    torch.manual_seed(0)
    generator = tiny.generator(tiny.model())
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return served(
        generator=generator, limits=Limits(descriptions=40, upload_bytes=200_000), **options
    )


@pytest.fixture
def server(served, tiny):
    return made(served, tiny)


@pytest.fixture(scope="module")
def refusing(served_to_all, tools):
    """A server that nothing is ever registered with."""
    return made(served_to_all, tools)


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


def test_one_and_many_descriptions(server):
    http = server.http()
    one = http.post("/v1/adapters", json={"texts": ["sort the words"], "names": ["sort"]})
    assert one.status_code == 201
    assert one.json()["data"] == [{"id": "sort", "object": "adapter", "kind": "generated"}]
    many = http.post("/v1/adapters", json={"texts": [f"do{i} it" for i in range(40)]}).json()
    names = [entry["id"] for entry in many["data"]]
    assert len(set(names)) == 40
    listed = http.get("/v1/adapters").json()
    assert [entry["id"] for entry in listed["data"]] == ["sort", *names]
    assert listed["total"] == 41
    page = http.get("/v1/adapters", params={"limit": 3, "after": names[1]}).json()
    assert [entry["id"] for entry in page["data"]] == names[2:5]
    assert page["has_more"]
    # order is kept: text number 33 is behind name number 33
    codes = server.engine.bank.generator.encode(["do33 it"])
    wanted = server.engine.bank.generator.generate(codes=codes.half().float())[0]
    got = server.engine.bank.weights(names[33])
    assert all(torch.allclose(got.lora_a[m], wanted.lora_a[m]) for m in wanted.lora_a)


def test_a_download_is_the_adapter_that_is_served(server, tmp_path):
    http = server.http()
    http.post("/v1/adapters", json={"texts": ["sort the words"], "names": ["sort"]})
    got = http.get("/v1/adapters/sort/download")
    assert got.headers["content-type"] == "application/zip"
    assert got.headers["content-disposition"].endswith("sort.zip")
    zipfile.ZipFile(io.BytesIO(got.content)).extractall(tmp_path)
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    again = http.post("/v1/adapters", params={"name": "again"}, content=got.content, headers=ZIP)
    assert again.json()["data"] == [{"id": "again", "object": "adapter", "kind": "trained"}]
    body = {"prompt": "hello", "temperature": 0, "max_tokens": 16, "ignore_eos": True}
    answers = [
        http.post("/v1/completions", json=body | {"model": m}).json()["choices"][0]["text"]
        for m in ("sort", "again", "tiny")
    ]
    assert answers[0] == answers[1] != answers[2]
    assert weights.config.rank == 4


def test_a_zipped_folder_with_other_files_and_a_folder_inside(server, serving):
    content = zipped(server, serving)
    archive = zipfile.ZipFile(io.BytesIO(content))
    files = {f"my/adapter/{n}": archive.read(n) for n in archive.namelist()}
    files["my/adapter/README.md"] = b"hello"
    got = server.http().post("/v1/adapters?name=mine", content=remade(files), headers=ZIP)
    assert got.status_code == 201
    assert server.engine.bank.weights("mine").config.rank == 8


CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


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
        ({WEIGHTS: b"\0" * 3_000_000}, "smaller than the server takes"),
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
        "a bomb",
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
    [(b"PK\3\4nonsense", 400), (b"", 400), (b"x" * 200_001, 413)],
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


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "x" * 65, "ü", "a b", "a\0", "-a", "7"],
    ids=repr,
)
def test_names_that_could_leave_a_folder_or_hide(refusing, name):
    got = refusing.http().post("/v1/adapters", json={"texts": ["do it"], "names": [name]})
    assert got.status_code == 400
    assert "a name must be up to 64" in got.json()["error"]["message"]
    assert len(refusing.engine.bank) == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"texts": []}, "texts"),
        ({"texts": [""]}, "texts.0"),
        ({"texts": ["  "]}, "must not be empty"),
        ({"texts": ["x"] * 41}, "takes up to 40 descriptions"),
        ({"texts": ["x" * 2001]}, "up to 2000 characters"),
        ({"texts": ["a", "b"], "names": ["x"]}, "must be 2 different new ones"),
        ({"texts": ["a", "b"], "names": ["x", "x"]}, "must be 2 different new ones"),
        ({"texts": ["a"], "names": ["taken"]}, "['taken'] taken"),
        ({"texts": "a"}, "texts"),
        ({"texts": ["a"], "weights": 1}, "weights"),
        ({"texts": ["fine", "\ud800"]}, ""),
    ],
    ids=[
        "none",
        "empty",
        "blank",
        "many",
        "long",
        "one name",
        "one name twice",
        "taken",
        "no list",
        "unknown field",
        "half a character",
    ],
)
def test_bad_registrations_change_nothing(refusing, body, words):
    http = refusing.http()
    http.post("/v1/adapters", json={"texts": ["first"], "names": ["taken"]})
    content = json.dumps(body)  # a lone surrogate travels as an escape
    got = http.post("/v1/adapters", content=content, headers={"content-type": "application/json"})
    assert got.status_code == 400
    assert words in got.json()["error"]["message"]
    assert list(refusing.engine.bank) == ["taken"]
    http.delete("/v1/adapters/taken")


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


def test_the_base_models_name_is_taken(refusing):
    got = refusing.http().post("/v1/adapters", json={"texts": ["x"], "names": ["tiny"]})
    assert got.status_code == 400
    assert "not the base model's" in got.json()["error"]["message"]


def test_another_content_type(refusing):
    got = refusing.http().post("/v1/adapters", content=b"x", headers={"content-type": "text/plain"})
    assert got.status_code == 415


def test_deleting_what_a_request_waits_for(served, tiny, serving):
    server = made(served, tiny, max_active=1)
    http = server.http()
    http.post("/v1/adapters", json={"texts": ["do it"], "names": ["wanted"]})
    with ThreadPoolExecutor() as pool, serving.held(server.engine):
        first = server.engine.submit([5, 6], params=SamplingParams(max_tokens=50, ignore_eos=True))
        waiting = server.engine.submit([5, 6], adapter="wanted")
        busy = pool.submit(http.delete, "/v1/adapters/wanted")
        while not server.engine._running.errands:
            time.sleep(0.01)
    assert busy.result().status_code == 409
    first.result()
    waiting.result()


def test_deleting(server, serving):
    http = server.http()
    http.post("/v1/adapters", json={"texts": ["do it"], "names": ["gone"]})
    body = {"model": "gone", "prompt": "hello", "max_tokens": 4}
    with ThreadPoolExecutor() as pool, serving.held(server.engine):
        waiting = server.engine.submit([5, 6], adapter="gone")
        busy = pool.submit(http.delete, "/v1/adapters/gone")
        while not server.engine._running.errands:
            time.sleep(0.01)
    assert busy.result().status_code == 409
    waiting.result()
    assert http.delete("/v1/adapters/gone").json()["deleted"]
    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/download")]:
        assert http.request(method, f"/v1/adapters/gone{path}").status_code == 404
    assert http.post("/v1/completions", json=body).status_code == 404
    assert http.get("/v1/adapters").json()["total"] == 0


def test_without_a_generator_descriptions_are_refused(served, serving):
    server = served(adapters=1)
    got = server.http().post("/v1/adapters", json={"texts": ["do it"]})
    assert got.status_code == 400
    assert "need a generator" in got.json()["error"]["message"]
    body = {"model": "t2l:do it", "prompt": "x"}
    assert server.http().post("/v1/completions", json=body).status_code == 400
    content = zipped(server, serving)
    assert server.http().post("/v1/adapters", content=content, headers=ZIP).status_code == 201


def test_numbers_of_a_store_that_was_filled_before(served, tiny):
    server = served(generator=tiny.generator(tiny.model()))
    server.engine.bank.register(texts=["a", "b"])
    registry = server.app.state.serving.registry
    for adapter in server.engine.bank:
        registry._add(adapter)
    http = server.http()
    assert [a["id"] for a in http.get("/v1/adapters").json()["data"]] == ["0", "1"]
    body = {"model": "1", "prompt": "hello", "max_tokens": 2}
    assert http.post("/v1/completions", json=body).status_code == 200
    assert http.delete("/v1/adapters/0").status_code == 200
    assert http.get("/v1/adapters/0").status_code == 404


def test_pack_and_unpack_keep_every_number(server, serving):
    weights = serving.weights(server.engine.adapters, 3, 2).for_sites(server.engine.adapters.sites)
    back = unpack(pack(weights), 1 << 20)
    for m in weights.lora_a:
        assert torch.equal(back.lora_a[m], weights.lora_a[m])
        assert torch.equal(back.lora_b[m], weights.lora_b[m])
    assert back.paths == weights.paths
