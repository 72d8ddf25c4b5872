"""Developer tools of the kernels: run from the checkout, never packaged."""
