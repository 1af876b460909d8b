# SPDX-License-Identifier: MIT
"""What `lockbench observe` recorded of a program's locks: profile.json, and a page about it."""
