"""The trainer says how far it is before the first step."""

import torch

from t2l_fast.train.sft.code_source import CodeSource
from t2l_fast.train.sft.config import SFTConfig


def test_embedding_is_reported_before_and_after_every_task(tiny):
    tasks = [tiny.task(f"shift/{by}", tiny.shift(by)) for by in (1, 2, 3)]
    generator, reports = tiny.generator(tiny.model()), []
    plain_encode = generator.encode

    def encode(texts):
        reports.append("encode")
        return plain_encode(texts)

    generator.encode = encode
    CodeSource(
        generator,
        tasks,
        SFTConfig(steps=1),
        torch.device("cpu"),
        lambda *report: reports.append(report),
    )
    begun = [("embedding", done, 3) for done in range(3)]
    assert reports == [x for report in begun for x in (report, "encode")] + [("embedding", 3, 3)]
