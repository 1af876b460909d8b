# SPDX-License-Identifier: MIT
"""A run in words: the summary, the answer, the page."""
