"""The gradients of one step of end-to-end training."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from t2l_fast.adapters import Adapters
from t2l_fast.generators import Generator
from t2l_fast.train.data.equal_counts import with_equal_counts
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.model.losses import answer_loss, label_logits
from t2l_fast.train.model.neftune import noisy_embeddings
from t2l_fast.train.run.clock import StepClock
from t2l_fast.train.sft.code_source import CodeSource
from t2l_fast.train.sft.config import SFTConfig
from t2l_fast.train.sft.preparation import Prepared
from t2l_fast.train.sft.step_adapters import MaterialisedAdapters, RecomputedAdapters


class StepGradients:
    """Add the gradients of a step to the generator's.

    Adapters are generated once per task. Each micro-batch adds to their gradients, and one backward
    pass through the generator follows. Of several processes each does so for its tasks, and the
    sums over all come back.

    Args:
        generator: on the device of the model.
        model: the base model, frozen.
        codes: what the generator reads.
        processes: among which the tasks of a step are divided.
    """

    def __init__(
        self,
        generator: Generator,
        model: nn.Module,
        codes: CodeSource,
        config: SFTConfig,
        processes: Processes,
    ) -> None:
        self.generator, self.model, self.codes = generator, model, codes
        self.config, self.processes = config, processes

    def add(self, adapters: Adapters, step: Prepared, clock: StepClock) -> dict[str, Any]:
        """Return the step's loss and sizes, summed over processes.

        Args:
            adapters: attached to the model.
            step: what it trains on.
            clock: told where the time goes.
        """
        config, device = self.config, clock.device
        codes = self.codes.of(step.draws)
        batches = [batch.to(device) for batch in step.batches]
        batches = with_equal_counts(batches, self.model, self.processes)
        noise = int(torch.randint(2**62, ())) if config.neftune_alpha else 0
        clock.mark("data")
        kind = RecomputedAdapters if config.recompute_weights else MaterialisedAdapters
        step_adapters = kind(self.generator, codes, None if step.share == 1 else step.own)
        extra = {name: value.item() for name, value in self.generator.auxiliary_losses().items()}
        clock.mark("generate")
        autocast = torch.autocast(device.type, torch.bfloat16, enabled=config.autocast)
        total, tokens = 0.0, 0
        for micro, counts in batches:
            noisy = noisy_embeddings(self.model, micro, config.neftune_alpha, noise)
            with adapters.use(micro.slots, weights=step_adapters.batch):
                with noisy, autocast:
                    logits, labels = label_logits(self.model, micro)
                    loss = answer_loss(logits, micro, labels, config.label_smoothing)
                loss = counts * loss / step.rows
                clock.mark("forward")
                loss.backward()
            total += loss.item()
            clock.mark("backward")
            tokens += counts * sum(micro.lengths)
        penalty = step_adapters.finish(config.generated_l2, step.share)
        self.processes.sum_gradients(
            [*self.generator.parameters(), *self.codes.parameters.values()]
        )
        total, penalty, tokens = self.processes.totals(total, penalty, tokens)
        clock.mark("backward")
        line = {"loss": total, "l2": penalty, **extra}
        return line | {"rows": step.rows, "tokens": int(tokens)}
