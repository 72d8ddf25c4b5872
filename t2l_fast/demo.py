"""The demonstration: eight requests, each with a description, answered in one mixed batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from t2l_fast.adapters import Adapters, attach
from t2l_fast.adapters.bank.store import rounded
from t2l_fast.generators import AutoGenerator, Generator
from t2l_fast.models import describe, load_model
from t2l_fast.tasks import Prompt, answer

NEW_TOKENS = 12
GENERATED = 64
_REQUEST_WIDTH, _BASE_WIDTH = 43, 19


@dataclass(frozen=True, slots=True)
class Request:
    """One row of the demonstration.

    Args:
        description: of the task, in words that training never showed.
        source: the input.
        expected: the right answer.
        seen: whether the task was trained on, in other words.
    """

    description: str
    source: str
    expected: str
    seen: bool


_SENTENCE = "Emma found 5 green books in Rome on Friday."
REQUESTS = (
    Request("Name just the creature among these.", "hammer, Berlin, otter, purple", "otter", True),
    Request("Tell me which of these is a fruit.", "silver, mango, sofa, Monday", "mango", False),
    Request("Enclose whatever I type in square brackets.", "river", "[river]", True),
    Request("Shout: stick an exclamation mark behind it.", "river", "river!", False),
    Request("Sentence in, colour of the things out.", _SENTENCE, "green", True),
    Request("Sentence in, name of the city out.", _SENTENCE, "Rome", False),
    Request("How is the noun written when there are several?", "city", "cities", True),
    Request("Treat it as a percentage and add the sign.", "45", "45%", False),
)


def table_of(base: Sequence[str], generated: Sequence[str]) -> Table:
    """Return the answers as a table that 80 columns hold.

    Args:
        base: the base model's answer to each of `REQUESTS`.
        generated: the answer to each under its generated adapter.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False, pad_edge=False)
    table.add_column("description, input → expected", width=_REQUEST_WIDTH, overflow="fold")
    table.add_column("base model", width=_BASE_WIDTH, overflow="fold")
    table.add_column("with adapter", min_width=12, overflow="fold")
    rows = list(zip(REQUESTS, base, generated, strict=True))
    for seen, title in ((True, "trained on, in other words"), (False, "never trained on")):
        table.add_section()
        table.add_row(Text(f"Tasks {title}", style="bold"))
        for request, before, after in rows:
            if request.seen == seen:
                task = Text(f"{request.description}\n").append(
                    f"{request.source} → {request.expected}", style="italic"
                )
                # answers may hold square brackets and line breaks
                answers = [" ".join(text.split()) for text in (before, after)]
                mark = "✓" if after == request.expected else "✗"
                table.add_row(task, Text(answers[0]), Text(f"{answers[1]} {mark}"))
    return table


def run(console: Console) -> None:
    """Generate, answer, measure and print."""
    model, tokenizer = load_model("smollm2")
    generator = AutoGenerator.from_pretrained("smollm2", device=model.device)
    prompt = Prompt(tokenizer, generator.config.prompt_template)
    console.print(f"Base model: {describe('smollm2')}, {model.device}, {model.dtype}")
    sources = [request.source for request in REQUESTS]

    def ask() -> list[str]:
        return answer(model, prompt, sources, max_new_tokens=NEW_TOKENS)

    base = ask()
    adapters = attach(model, generator.config.lora, num_slots=len(REQUESTS), generator=generator)
    ids = adapters.bank.register(texts=[request.description for request in REQUESTS])
    with adapters.bank.lease(ids) as lease, adapters.use(lease):
        generated = ask()
    console.print(table_of(base, generated))
    right = [a == r.expected for a, r in zip(generated, REQUESTS, strict=True)]
    before = sum(a == r.expected for a, r in zip(base, REQUESTS, strict=True))
    console.print(
        f"{sum(right)} of {len(right)} as expected with {len(right)} adapters in one batch, "
        f"{before} without"
    )
    _measure(console, generator, model, prompt, adapters)


def _measure(
    console: Console, generator: Generator, model, prompt: Prompt, adapters: Adapters
) -> None:
    """Generation rate, sizes, and time per token beside the base model's."""
    codes = generator.encode([request.description for request in REQUESTS])
    many = codes.repeat(GENERATED // len(REQUESTS), 1)
    seconds = _seconds(lambda: generator.generate(codes=many))
    weights = generator.generate(codes=codes[:1])[0].num_bytes
    console.print(
        f"{GENERATED / seconds:.0f} adapters generated per second ({GENERATED} at once, from their "
        f"embeddings); one adapter: {rounded(codes[:1]).nbytes:,} bytes as a code, {weights:,} as "
        "fp32 weights"
    )
    ids = list(adapters.bank)
    token = torch.full((len(REQUESTS), 1), prompt.tokenizer.eos_token_id)
    steps = 20

    @torch.no_grad()
    def decode() -> None:
        cache = None
        for _ in range(steps):
            cache = model(token, past_key_values=cache, use_cache=True).past_key_values

    def with_adapters() -> None:
        with adapters.bank.lease(ids) as lease, adapters.use(lease):
            decode()

    mixed, plain = _seconds(with_adapters) / steps, _seconds(decode) / steps
    console.print(
        f"{1e3 * mixed:.1f} ms per decoding step of {len(REQUESTS)} rows with {len(REQUESTS)} "
        f"adapters, {1e3 * plain:.1f} ms without ({mixed / plain:.2f}×)"
    )


def _seconds(run: Callable[[], object], rounds: int = 3) -> float:
    """Median of a few runs, after one to warm up."""
    run()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return sorted(times)[rounds // 2]
