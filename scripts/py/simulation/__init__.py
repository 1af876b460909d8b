# SPDX-License-Identifier: MIT
"""What `lockbench simulate` is held against."""
