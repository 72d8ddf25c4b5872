"""Content that several families share, and its loaders."""
