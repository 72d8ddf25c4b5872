"""The validator: whose adapter answers which task, and how few adapters junk takes."""

import pytest

from t2l_fast.adapters import attach
from t2l_fast.tasks import JUNK, Prompt
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.sft.validate import Validator


class Recorded:
    """A generator whose codes are line numbers; remembers what it was asked for."""

    def __init__(self, generator) -> None:
        self.config, self._generator = generator.config, generator
        self.known_conditions = generator.known_conditions
        self.texts: list[str] = []
        self.generated: list[list[str]] = []
        self._codes: dict[tuple, str] = {}

    def encode(self, texts):
        codes = self._generator.encode(texts)
        self.texts += texts
        self._codes |= {tuple(row.tolist()): t for row, t in zip(codes, texts, strict=True)}
        return codes

    def generate(self, *, codes):
        self.generated.append([self._codes[tuple(row.tolist())] for row in codes])
        return self._generator.generate(codes=codes)


@pytest.fixture
def measured(tiny):
    """Validates `count` tasks with a generator that remembers."""

    def measure(count: int, times: int = 1, **options):
        model = tiny.model()
        generator = Recorded(tiny.generator(model))
        tasks = [tiny.task(f"shift/{by}", tiny.shift(by % 12)) for by in range(count)]
        collator = Collator(Prompt(tiny.tokenizer()))
        validator = Validator({"s": tasks}, collator, limit=99, examples=2, seed=0, **options)
        adapters = attach(model, generator.config.lora, num_slots=0)
        found = [validator.measure(generator, model, adapters) for _ in range(times)]
        return found[-1], generator, validator

    return measure


def test_each_measure_runs_its_own_descriptions(measured):
    found, generator, validator = measured(6)
    assert set(found) == {"s_matched", "s_shuffled", "s_junk"}
    own = [task.eval_descriptions[0] for task in validator.tasks["s"]]
    matched, shuffled, junk = generator.generated
    assert matched == own
    assert sorted(shuffled) == sorted(own) and not any(
        a == b for a, b in zip(shuffled, own, strict=True)
    )
    assert junk == list(JUNK)


def test_junk_takes_a_handful_of_adapters_and_is_embedded_once(measured):
    _, generator, _ = measured(70, times=2)
    of_junk = [texts for texts in generator.generated if {*texts} & {*JUNK}]
    assert [len(texts) for texts in of_junk] == [len(JUNK)] * 4  # 64 tasks, then 6, twice
    assert [text for text in generator.texts if text in JUNK] == list(JUNK)


def test_junk_stands_in_the_prompt_where_descriptions_do(measured):
    _, _, validator = measured(6, description_in_prompt=True)
    shown = {description for _, description in validator.collator._texts}
    own = {task.eval_descriptions[0] for task in validator.tasks["s"]}
    assert shown == own | {*JUNK}
