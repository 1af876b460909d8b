# SPDX-License-Identifier: MIT
"""Pictures of a run."""
