"""The wire table: rows of raw bytes in, expected bytes at the origin, expected answer. docs/wire.md is made from it."""
