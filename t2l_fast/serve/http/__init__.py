"""The server: OpenAI's API over an engine, and routes to register adapters."""
