"""What the generator reads in a step: a code per task, varied as wordings vary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from t2l_fast.encoders import TrainedEncoder
from t2l_fast.generators import Generator
from t2l_fast.tasks import Task
from t2l_fast.train.data.embeddings import embedded
from t2l_fast.train.run.progress import Progress, silent
from t2l_fast.train.sft.config import SFTConfig
from t2l_fast.train.sft.sampler import TaskDraw


class CodeSource:
    """The codes of a run: of embeddings made once, or of a text encoder that is trained.

    Fields:
        embeddings: of every task's training descriptions, `[D, d_e]` each; of the first alone where
            nothing reads more.
        encoder: the one that is trained, which the generator embeds by from now on; or None.

    Args:
        device: of a trained encoder.
        progress: called as descriptions are embedded.

    Raises:
        EncoderError: a description can't be embedded; `encoder_rank` for no sentence-transformers
            encoder, or below its adapter's.
    """

    def __init__(
        self,
        generator: Generator,
        tasks: Sequence[Task],
        config: SFTConfig,
        device: torch.device,
        progress: Progress = silent,
    ) -> None:
        self.generator, self.tasks, self.noise = generator, tasks, config.code_noise
        few = 1 if config.encoder_rank and config.start != "conditioned" else None
        # first what may be refused, since embedding takes its time
        self.encoder = _trained(generator, config, device) if config.encoder_rank else None
        texts = [task.descriptions[:few] for task in tasks]
        self.embeddings = embedded(generator, texts, progress)
        if self.encoder is not None:
            generator.use_encoder(self.encoder)

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """What is trained of the encoder, by name."""
        return {} if self.encoder is None else self.encoder.parameters()

    def of(self, draws: Sequence[TaskDraw]) -> Tensor:
        """Return codes `[N, d_e]`, with the graph of a trained encoder."""
        if self.encoder is None:
            return draw_codes(self.embeddings, draws, self.noise)
        pairs = []
        for draw in draws:
            first, second = (self.tasks[draw.task].descriptions[i] for i in draw.descriptions)
            pairs.append((first, second if draw.mixture else first))
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        rows = dict(zip(texts, self.generator.codes_of(self.encoder.embed(texts)), strict=True))
        drawn = zip(pairs, draws, strict=True)
        return torch.stack([varied(rows[a], rows[b], draw, self.noise) for (a, b), draw in drawn])

    def name_encoder(self) -> None:
        """Let the generator name a trained encoder as it is now, to be saved."""
        if self.encoder is not None:
            self.generator.name_encoder()

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Make a trained encoder what is saved of it on leaving, also by an exception."""
        try:
            yield
        finally:
            if self.encoder is not None:
                self.encoder.settle()
                self.generator.name_encoder()


def draw_codes(embeddings: Sequence[Tensor], draws: Sequence[TaskDraw], noise: float) -> Tensor:
    """Draw one code per task: a description's embedding or a mixture of two, with noise.

    Args:
        embeddings: of every task's training descriptions, `[D, d_e]` each.
        noise: standard deviation, for draws with a noise seed.

    Returns:
        `[N, d_e]`, each as long as its first description's embedding.
    """
    codes = []
    for draw in draws:
        first, second = (embeddings[draw.task][i] for i in draw.descriptions)
        codes.append(varied(first, second, draw, noise))
    return torch.stack(codes)


def varied(first: Tensor, second: Tensor, draw: TaskDraw, noise: float) -> Tensor:
    """Return the code `[d_e]` of one draw from the embeddings of its two descriptions."""
    code = torch.lerp(first, second, draw.mixture)
    if draw.noise_seed is not None:
        generator = torch.Generator().manual_seed(draw.noise_seed)
        code = code + noise * torch.randn(code.shape, generator=generator).to(code)
    return code * (first.norm() / code.norm().clamp(min=1e-6))


def _trained(generator: Generator, config: SFTConfig, device: torch.device) -> TrainedEncoder:
    return TrainedEncoder(
        generator.config.encoder,
        config.encoder_rank,
        adapter=generator.encoder_adapter,
        device=device,
        seed=config.seed,
    )
