"""One problem of `multi_lora`, its truth and its runs."""

import torch

from t2l_kernels import multi_lora, multi_lora_
from tests.kernels.problems import IN, NUM_SLOTS, OUT, RANK, Problem


class Case(Problem):
    """Adapters as A and B."""

    def draw_weights(self, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        self.lora_a = torch.randn(NUM_SLOTS, RANK, IN, dtype=dtype) / IN**0.5
        self.lora_b = torch.randn(NUM_SLOTS, RANK, OUT, dtype=dtype)
        return self.lora_a, self.lora_b

    def truth(self) -> torch.Tensor:
        out = self.residual.double().clone()
        for t, slot, rank in self.live():
            a, b = self.lora_a[slot, :rank].double(), self.lora_b[slot, :rank].double()
            out[t] += self.scalings[slot].double() * (self.x[t].double() @ a.T @ b)
        return out

    def run(self, impl: str) -> torch.Tensor:
        return multi_lora(
            self.x,
            self.lora_a,
            self.lora_b,
            self.route,
            scalings=self.scalings,
            ranks=self.ranks,
            residual=self.residual,
            impl=impl,
        )

    def add(self, impl: str) -> torch.Tensor:
        out = self.residual.clone()
        multi_lora_(
            self.x, self.lora_a, self.lora_b, self.route,
            scalings=self.scalings, ranks=self.ranks, out=out, impl=impl,
        )  # fmt: skip
        return out
