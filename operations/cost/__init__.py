"""What a month of a stack costs under a stated load: `python -m operations.cost --help`.

From the stack's own config and program, a load in words of the product, one dated table of prices
(`prices.toml`), and assumptions that the output names.
"""
