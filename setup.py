"""The package map, which pyproject.toml cannot express; everything else stands there.

`kernels/` is a source root without an `__init__.py`: a top-level package called `kernels` would
shadow Hugging Face's, which transformers imports. The kernels' developer tools
(`kernels/t2l_kernel_tools`) stay out of the wheel.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["t2l_fast*"]),
        *find_packages("kernels", include=["t2l_kernels*"]),
    ],
    package_dir={"t2l_fast": "t2l_fast", "t2l_kernels": "kernels/t2l_kernels"},
)
