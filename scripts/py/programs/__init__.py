# SPDX-License-Identifier: MIT
"""Real programs under other locks."""
