"""A bank's store: what was acknowledged comes back, whatever happened in between."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn

import t2l_fast as t2l
from t2l_fast.adapters.bank.code_table import CodeTable
from t2l_fast.errors import AdapterMismatch, ArgumentError, StoreError, UnknownAdapter

WIDTH = 12
CONFIG = t2l.LoraConfig(["proj"], rank=2, alpha=4)
ROOT = Path(__file__).parents[3]


class Tiny(t2l.AdapterGenerator):
    """Writes the code's first number into every weight."""

    kind, fingerprint = "tiny", "tiny-1"

    def __init__(self, width: int = 3, fingerprint: str = "tiny-1") -> None:
        self.code_shape, self.fingerprint = (width,), fingerprint

    def encode(self, conditions):
        return torch.tensor([[float(c)] * self.code_shape[0] for c in conditions])

    def forward(self, codes):
        a = codes[:, 0].float().view(1, -1, 1, 1).expand(1, -1, 2, WIDTH)
        return t2l.LoraBatch(CONFIG, {"proj": a}, {"proj": a})

    def generate(self, conditions=None, *, codes=None):
        return self.forward(self.encode(conditions) if codes is None else codes)


def open_bank(path, generator=None, width: int = WIDTH) -> t2l.AdapterBank:
    model = nn.ModuleDict({"proj": nn.Linear(width, width)})
    made = Tiny() if generator is None else generator
    return t2l.attach(model, CONFIG, num_slots=4, rank_max=4, generator=made, store=path).bank


def weights(value: float, rank: int = 2) -> t2l.LoraWeights:
    config = t2l.LoraConfig(["proj"], rank=rank, alpha=2.0 * rank, use_rslora=True)
    tensor = torch.full((1, rank, WIDTH), float(value))
    return t2l.LoraWeights(config, {"proj": tensor}, {"proj": tensor.clone()})


def value(bank: t2l.AdapterBank, adapter) -> float:
    with bank.lease([adapter]) as lease:
        slot = int(lease.slots[0])
        rank = int(bank.slab.ranks["proj"][0, slot])
        (found,) = bank.slab.lora_a["proj"][0, slot, :rank].unique().tolist()
        return found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "adapters.sqlite"


def test_codes_weights_names_and_numbers_come_back(path):
    bank = open_bank(path)
    ids = bank.register(texts=["1", "2"])
    ids += bank.register(codes=torch.full((1, 3), 3.0), names=["three"])
    ids += bank.register(weights=[weights(4, rank=1), weights(5, rank=4)], names=["four", "five"])
    ids += bank.register(texts=["6"])
    bank.close()
    again = open_bank(path)
    assert set(again) == set(ids)
    assert ids == [0, 1, "three", "four", "five", 5]
    assert [value(again, i) for i in ids] == [1, 2, 3, 4, 5, 6]
    slot = again.resident["four"]
    assert again.slab.scalings["proj"][0, slot] == 2.0  # alpha/√r of rank 1


def test_what_was_forgotten_stays_so_and_its_number_is_not_used_again(path):
    bank = open_bank(path)
    first, second, named = (bank.register(texts=["1"], names=n)[0] for n in (None, None, ["x"]))
    bank.forget([second, named])
    bank.close()
    again = open_bank(path)
    assert set(again) == {first}
    assert again.register(texts=["9", "8"]) == [3, 4]
    assert again.register(texts=["7"], names=["x"]) == ["x"]
    assert [value(again, i) for i in (first, 3, "x")] == [1, 9, 7]


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.int64, torch.uint8], ids=str
)
def test_codes_of_every_dtype_come_back_as_they_were_rounded(path, dtype):
    codes = torch.tensor([[1, 2, 3], [4, 5, 6]]).to(dtype)
    bank = open_bank(path)
    ids = bank.register(codes=codes)
    before = bank._store[ids[1]].code.clone()
    bank.close()
    after = open_bank(path)._store[ids[1]].code
    assert after.dtype == (torch.float16 if dtype.is_floating_point else dtype)
    assert torch.equal(after, before) and after.tolist() == [4, 5, 6]


def test_codes_of_several_generators_share_a_file_and_are_told_apart(path):
    bank = open_bank(path)
    (old,) = bank.register(texts=["1"])
    bank.close()
    newer = open_bank(path, Tiny(5, "tiny-2"))
    (new,) = newer.register(texts=["2"])
    assert value(newer, new) == 2
    with pytest.raises(AdapterMismatch, match="belongs to generator tiny-1"):
        newer.lease([old])


def test_weights_of_another_model_are_refused_when_a_slot_wants_them(path):
    bank = open_bank(path)
    ids = bank.register(weights=[weights(1)], names=["one"])
    bank.close()
    other = open_bank(path, width=WIDTH + 1)
    with pytest.raises(AdapterMismatch, match="for this model"):
        other.lease(ids)
    assert other.resident == {} and list(other) == ids


KILLED = """
import sys, torch
sys.path[:0] = [{root!r}, {root!r} + "/kernels", {tests!r}]
from test_store import open_bank, weights
bank = open_bank({path!r})
n = 0
while True:
    ids = bank.register(texts=[str(n % 100 + i) for i in range(50)])
    bank.register(weights=[weights(n % 100)], names=[f"w{{n}}"])
    print(ids[0], flush=True)
    n += 1
"""


@pytest.mark.slow
def test_a_killed_process_loses_nothing_acknowledged_and_leaves_nothing_half_written(path):
    code = KILLED.format(root=str(ROOT), tests=str(Path(__file__).parent), path=str(path))
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    seen = [int(process.stdout.readline()) for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    seen += [int(line) for line in process.stdout.read().split()]
    process.wait()
    bank = open_bank(path)
    numbers = {i for i in bank if isinstance(i, int)}
    named = [i for i in bank if isinstance(i, str)]
    acknowledged = {first + i for first in seen for i in range(50)}
    assert acknowledged <= numbers
    assert len(numbers) % 50 == 0 and len(numbers) - len(acknowledged) in (0, 50)
    assert len(named) - len(seen) in (0, 1)
    for n, first in list(enumerate(seen))[-3:]:
        assert value(bank, first + 7) == n % 100 + 7
        assert value(bank, f"w{n}") == n % 100


@pytest.mark.slow
def test_another_process_is_told_that_the_file_is_in_use(path):
    open_bank(path)
    code = KILLED.format(root=str(ROOT), tests=str(Path(__file__).parent), path=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0
    assert "close the other process that has it open" in done.stderr


def test_detach_releases_the_file(path):
    model = nn.ModuleDict({"proj": nn.Linear(WIDTH, WIDTH)})
    adapters = t2l.attach(model, CONFIG, num_slots=1, generator=Tiny(), store=path)
    (one,) = adapters.bank.register(texts=["1"])
    adapters.detach()
    assert value(open_bank(path), one) == 1


def test_a_registration_that_can_not_be_written_changes_nothing(path):
    bank = open_bank(path)
    (one,) = bank.register(texts=["1"])
    bank._store._file._file.execute("DROP TABLE generators")
    with pytest.raises(StoreError, match="could not be written"):
        bank.register(texts=["2"], names=["two"])
    assert list(bank) == [one]
    with pytest.raises(UnknownAdapter):
        bank.lease(["two"])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: p.write_bytes(b"no database" * 99), "could not be opened, got file is not"),
        (lambda p: sqlite3.connect(p).execute("PRAGMA user_version=9").close(), "version 1, got 9"),
        (lambda p: p.mkdir(), "could not be opened"),
    ],
    ids=["not a database", "newer version", "a folder"],
)
def test_a_file_that_is_no_store_is_named_and_kept(path, spoil, message):
    path.parent.mkdir(parents=True)
    spoil(path)
    before = path.is_dir() or path.read_bytes()
    with pytest.raises(StoreError, match=message):
        open_bank(path)
    assert before == (path.is_dir() or path.read_bytes())


def test_a_store_needs_slots(path):
    model = nn.ModuleDict({"proj": nn.Linear(WIDTH, WIDTH)})
    with pytest.raises(ArgumentError, match="needs slots"):
        t2l.attach(model, CONFIG, num_slots=0, store=path)
    assert not path.exists()


def test_rows_of_a_table_stay_put_and_are_used_again(monkeypatch):
    monkeypatch.setattr("t2l_fast.adapters.bank.code_table._BLOCK_BYTES", 40)  # 5 codes a block
    table = CodeTable((2,), torch.float32)
    rows = table.add(torch.arange(26).view(13, 2).float())
    assert rows == list(range(13)) and len(table._blocks) == 3
    view = table[7]
    table.remove([2, 7])
    again = table.add(torch.full((4, 2), 99.0))
    assert sorted(again) == [2, 7, 13, 14] and torch.equal(view, torch.full((2,), 99.0))
    assert torch.equal(table[12], torch.tensor([24.0, 25.0]))
