"""API keys of merchants' servers: which there are, and how one is made, replaced and revoked."""
