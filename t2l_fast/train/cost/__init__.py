"""FLOPs and bytes of a step of `t2l train sft`: arithmetic, not measurement.

`python -m t2l_fast.train.cost` prints the tables of docs/guides/cost.md. FLOPs are what matmuls
do, two for a multiply and an add; a test holds them to what torch counts in a real step. Bytes are
those of unfused kernels that read and write each tensor once. Times are *modelled*: for each part
the larger of FLOPs and bytes over what a GPU is assumed to reach. Launches, data and the text
encoder are left out.
"""

from t2l_fast.train.cost.parts import Part, copies, parts
from t2l_fast.train.cost.step import Base, Step, published

__all__ = ["Base", "Part", "Step", "copies", "parts", "published"]
