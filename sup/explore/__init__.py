"""The page to look into results with: a payload of arrays, and the JavaScript that shows it.

Python only chooses and packs (`payload`, `packing`, `functions`); what depends on the model that is
chosen is computed in the page, from the weights. Figures are Plotly's, whose Python package brings
its JavaScript as a file, under the MIT licence: the page holds it whole and fetches nothing.
"""
