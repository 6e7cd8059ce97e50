"""Estimates what a month of a stack costs under a given load: `python -m operations.cost --help`.

The estimate is based on the stack's config and program, the load, a dated price list
(`prices.toml`), and assumptions that the output lists.
"""
