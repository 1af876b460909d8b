# SPDX-License-Identifier: MIT
"""Everything that there is for one lock."""
