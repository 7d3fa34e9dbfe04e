"""The report: one HTML file that reads as an article, made from any results."""
