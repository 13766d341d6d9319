"""The rows, one module a topic. Each has TITLE, a sentence about it in its docstring, and ROWS."""
