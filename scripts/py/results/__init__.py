# SPDX-License-Identifier: MIT
"""A run as data: read, named, and gathered into cells."""
