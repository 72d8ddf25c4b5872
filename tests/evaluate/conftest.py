"""A model and a generator that were taught to answer, and tasks for them."""

import pytest

from t2l_fast.tasks import Prompt
from t2l_fast.train import SFTConfig, SFTTrainer


@pytest.fixture
def prompt(tiny):
    return Prompt(tiny.tokenizer())


@pytest.fixture
def model(tiny):
    return tiny.taught()


@pytest.fixture
def says(tiny):
    """Makes tasks that answer every letter with `to`, described by their name."""

    def make(name: str, to: str | None = None, **options):
        return tiny.task(f"say/{name}", dict.fromkeys(tiny.letters, to or name), **options)

    return make


@pytest.fixture
def taught_generator(tiny, says, prompt, tmp_path):
    """Its adapters answer c or j, as their description says."""
    model = tiny.taught()
    generator = tiny.generator(model)
    config = SFTConfig(100, 2, 8, learning_rate=1e-2, eval_every=0, start="plain")
    SFTTrainer(generator, model, prompt, [says("c"), says("j")], config, tmp_path / "run").train()
    return generator
