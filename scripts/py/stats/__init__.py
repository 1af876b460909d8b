# SPDX-License-Identifier: MIT
"""Statistics on arrays, which know nothing of locks."""
