"""The gateway: any router behind an OpenAI-compatible API. Bytes of answers are relayed, not parsed and made anew."""
