"""From results to one self-contained page: of any models, and of the article's with its claims.

It may import all packages but `cli`: what it shows is computed by `analysis`, drawn by `figures`,
looked into by `explore`, and judged by `article`.
"""
