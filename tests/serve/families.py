"""Tiny random models of many of transformers' families, and what an engine makes of each.

`python -m tests.serve.families` runs all of them and writes docs/guides/architectures.md.
"""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers as tf

import t2l_fast as t2l
from t2l_fast.errors import T2LError
from t2l_fast.serve import Engine, EngineConfig, SamplingParams
from t2l_fast.serve.engine import scores
from tests.conftest import _tokenizer as tokenizer

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "guides" / "architectures.md"
FAMILIES: dict[str, dict[str, Any]] = json.loads((HERE / "families.json").read_text())
"""Name → classes of model and config, options of the config, and the linear to attach to."""
COMPANY = ((50, "a"), (3, None), (21, "b"), (33, None), (22, "a"))
"""Lengths and adapters of requests that run side by side, and then alone."""
ANSWER = 8
PIECE = 16
"""Tokens of a prompt that are scored at a time, where a model's prompts are scored in pieces."""
CLOSE = 1e-3
"""Of log probabilities, in nats."""


@dataclass(frozen=True)
class Found:
    """What came of a family.

    Fields:
        path: of the engine; "refused" where there is none.
        deviation: largest one of a log probability from the model's own, in nats.
        reason: why it is refused, or why not paged.
    """

    path: str
    deviation: float
    reason: str


def build(name: str) -> Any:
    """Return a family's model; what a token reads matters in it.

    Its matrices are four times as large as transformers makes them.
    """
    family = FAMILIES[name]
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    torch.manual_seed(0)
    config = getattr(tf, family["config"])(**(ends | family["options"]))
    model = getattr(tf, family["model"])(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(4.0)
    return model


def attached(name: str, model: Any) -> t2l.Adapters:
    """Attach two random adapters, "a" and "b"."""
    config = t2l.LoraConfig((FAMILIES[name]["target"],), rank=4, alpha=4)
    adapters = t2l.attach(model, config, num_slots=2)
    batch = t2l.LoraBatch.init(config, adapters.sites, num_adapters=2)
    generator = torch.Generator().manual_seed(1)
    for b in batch.lora_b.values():
        b.data.copy_(torch.randn(b.shape, generator=generator) * 0.3)
    adapters.bank.register(weights=batch, names=["a", "b"])
    return adapters


def run(name: str) -> Found:
    """Serve requests of a family beside each other and alone, and replay each by the model."""
    model = build(name)
    adapters = attached(name, model)
    config = EngineConfig(cache_tokens=2048, max_batch_tokens=64)
    asked = SamplingParams(max_tokens=ANSWER, logprobs=0, ignore_eos=True)
    generator = torch.Generator().manual_seed(2)
    requests = [
        (torch.randint(10, 250, (length,), generator=generator).tolist(), adapter)
        for length, adapter in COMPANY
    ]
    try:
        engine = Engine(model, tokenizer(), adapters, config)
    except T2LError as error:
        return Found("refused", math.nan, str(error))
    with engine:
        tickets = [engine.submit(p, adapter=a, params=asked) for p, a in requests]
        beside = [ticket.result() for ticket in tickets]
        alone = [engine.submit(p, adapter=a, params=asked).result() for p, a in requests[:3]]
        prompt, adapter = requests[0]
        got = scored(engine, prompt, adapter)
        proof = engine.proof
    worst = float((got - own_scores(model, adapters, prompt, adapter)).abs().max())
    for (prompt, adapter), answer in zip(
        [*requests, *requests[:3]], [*beside, *alone], strict=True
    ):
        own = replayed(model, adapters, prompt, adapter, answer.tokens)
        got = torch.tensor([found.logprob for found in answer.logprobs], dtype=own.dtype)
        worst = max(worst, float((got - own).abs().max()))
    return Found(proof.path, worst, proof.rejected.get("paged", ""))


@torch.no_grad()
def replayed(model: Any, adapters: Any, prompt: Any, adapter: Any, tokens: Any) -> torch.Tensor:
    """Return the greatest log probability at each position of an answer, by the plain forward."""
    ids = torch.tensor([[*prompt, *tokens[:-1]]])
    with adapters.bank.lease([adapter]) as lease, adapters.use(lease):
        logits = model(input_ids=ids).logits[0, len(prompt) - 1 :]
    return logits.double().log_softmax(-1).max(-1).values


def scored(engine: Engine, prompt: Any, adapter: Any) -> torch.Tensor:
    """Return the log probability of each token of a prompt but the first, as the engine has it."""
    if engine.scorer.piece == scores.PIECE:
        engine.scorer.piece = PIECE
    score = engine.run(lambda: engine.scorer.begin(prompt, adapter, 0)).result()
    while not score.done:
        engine.run(score.step).result()
    score.release()
    return torch.tensor([p.logprob for p in score.logprobs[1:]], dtype=torch.float64)


@torch.no_grad()
def own_scores(model: Any, adapters: Any, prompt: Any, adapter: Any) -> torch.Tensor:
    """Return the same by the plain forward."""
    ids = torch.tensor([prompt])
    with adapters.bank.lease([adapter]) as lease, adapters.use(lease):
        logs = model(input_ids=ids).logits[0, :-1].double().log_softmax(-1)
    return logs.gather(1, ids[0, 1:, None])[:, 0]


def page(found: dict[str, Found]) -> str:
    """Return the page of all families."""
    paths = [row.path for row in found.values()]
    counts = ", ".join(f"{paths.count(path)} {path}" for path in dict.fromkeys(paths))
    lines = [
        "# Architectures",
        "",
        "`python -m tests.serve.families` generates this page, and a nightly test holds it to",
        "the code.",
        "",
        "Each row is a tiny random model on a CPU in fp32, with two random adapters. Five",
        "requests of 3 to 50 tokens run side by side, and three of them alone. One prompt is",
        "scored. Answers and scores are replayed by the model's plain forward. The deviation is",
        "the largest of a log probability, in nats.",
        "[Serving](serve.md#how-it-works) says what the paths are.",
        "",
        f"{len(found)} families, run with transformers {tf.__version__}: {counts}.",
        "",
        "| family | model | path | deviation | why not paged |",
        "|---|---|---|---|---|",
    ]
    for name, row in found.items():
        deviation = "" if math.isnan(row.deviation) else f"{row.deviation:.0e}"
        model = FAMILIES[name]["model"]
        lines.append(f"| {name} | {model} | {row.path} | {deviation} | {short(row.reason)} |")
    return "\n".join(lines) + "\n"


def short(reason: str) -> str:
    """Return a reason without what a library said."""
    for known, words in (
        ("differ from", "other logits than the model's own"),
        ("a step fails", "its keys and values do not fit the pages"),
        ("can't be set up", "layers that pages do not hold"),
        ("an encoder with", "an encoder with a decoder"),
        ("not causal", "not causal"),
        ("slots must fit", "the sequence comes before the batch in its linears"),
    ):
        if known in reason:
            return words
    return reason.replace("|", "/")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    tf.logging.set_verbosity_error()
    rows: dict[str, Found] = {}
    for family in FAMILIES:
        rows[family] = run(family)
        print(family, rows[family].path, rows[family].deviation, flush=True)
    PAGE.write_text(page(rows))
