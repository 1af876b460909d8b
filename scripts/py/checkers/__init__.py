# SPDX-License-Identifier: MIT
"""What is proven of the locks, and by whom."""
