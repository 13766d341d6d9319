"""What becomes of every algorithm, form and source of keys, and of the tokens of other makers: docs/tokens.md."""
