"""The trainers say how far they are before the first step, and embed no text twice."""

import pytest

from t2l_fast.encoders import CachedEncoder
from t2l_fast.train.data import embeddings
from t2l_fast.train.data.embeddings import embedded, keep_embeddings


@pytest.fixture
def watched(tiny, monkeypatch):
    """A generator, and what its encoder was asked for."""
    generator, asked = tiny.generator(tiny.model()), []
    encoder = tiny.encoder()
    real = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda texts: asked.append(list(texts)) or real(texts))
    generator.use_encoder(encoder)
    return generator, asked


def test_embedding_is_reported_around_every_chunk(watched, monkeypatch):
    monkeypatch.setattr(embeddings, "_AT_ONCE", 2)
    generator, asked = watched
    reports = []
    texts = [["a", "b"], ["c", "a"], ["d"]]
    rows = embedded(generator, texts, lambda *report: reports.append(report))
    assert asked == [["a", "b"], ["c", "d"]]
    assert reports == [("embedding", done, 4) for done in (0, 2, 4)]
    assert [len(own) for own in rows] == [2, 2, 1]
    assert rows[0][0].tolist() == rows[1][1].tolist() != rows[0][1].tolist()


def test_a_second_run_embeds_nothing(watched, tmp_path):
    generator, asked = watched
    keep_embeddings(generator, tmp_path / "embeddings.sqlite")
    embedded(generator, [["a", "b"]])
    again = generator
    again.use_encoder(generator.encoder._encoder)  # as a new process has it
    keep_embeddings(again, tmp_path / "embeddings.sqlite")
    embedded(again, [["b", "a"]])
    assert asked == [["a", "b"]]


def test_without_a_file_the_encoder_stays_as_it_is(watched):
    generator, _ = watched
    encoder = generator.encoder
    keep_embeddings(generator, None)
    assert generator.encoder is encoder


def test_making_a_trainer_embeds_nothing_and_training_reads_the_cache(
    tiny, trainer, watched, tmp_path
):
    generator, asked = watched
    made = trainer(generator=generator, steps=1, eval_every=0)
    assert asked == []
    made.embedding_cache = tmp_path / "embeddings.sqlite"
    made.train()
    assert isinstance(generator.encoder, CachedEncoder)
    assert len(asked) == 1 and len(asked[0]) == len({t for k in made.tasks for t in k.descriptions})
