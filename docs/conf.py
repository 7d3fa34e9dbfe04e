"""How Sphinx builds the site (`make docs`): of Markdown, notebooks and docstrings."""

from docutils import nodes
from sphinx.application import Sphinx

import sup

project = "Superposition"
author = "The superposition authors"
version = release = sup.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]

nb_execution_mode = "off"  # notebooks are shown as `make notebooks` has left them
myst_heading_anchors = 3  # what links such as engines.md#on-a-gpu lead to

default_role = "code"  # docstrings have single backticks for code, as Markdown
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 80

# Nothing is asked of a network: the theme has its fonts and scripts in its package, and so has
# Sphinx its search, which works on pages that are opened as files.
html_theme = "furo"
html_title = f"Superposition {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_show_search_summary = False  # excerpts of what is found are fetched, which files cannot be


def link_to_full_size(app: Sphinx, page: nodes.document) -> None:
    """Have pictures lead to themselves alone: on a phone most are too small to be read in a page.

    Sphinx links to those that have a scale.
    """
    for picture in page.findall(nodes.image):
        picture["scale"] = 100


def setup(app: Sphinx) -> None:
    """Say what is to be done with each page."""
    app.connect("doctree-read", link_to_full_size)
