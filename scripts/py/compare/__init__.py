# SPDX-License-Identifier: MIT
"""Which differences one run shows, or several."""
