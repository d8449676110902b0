# SPDX-License-Identifier: GPL-2.0
# How Sphinx makes the documents (make docs): each .rst beside this file, as they are.
project = "xenmm"
copyright = "The xenmm authors"
author = "The xenmm authors"
html_theme = "alabaster"
html_theme_options = {
    "description": "page-table updates of a Xen PV guest, batched and measured",
    "page_width": "1100px",
}
html_copy_source = False
# Tables of figures and diagrams are drawn as they stand.
highlight_language = "none"
