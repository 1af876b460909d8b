# SPDX-License-Identifier: MIT
"""Hypervisors by the names that people use. Runs from before lockbench did this itself hold what CPUID says."""

from __future__ import annotations

# As in src/machine/provenance.c, which a test holds against this.
VENDORS = {
    "KVMKVMKVM": "KVM", "Microsoft Hv": "Hyper-V", "VMwareVMware": "VMware", "XenVMMXenVMM": "Xen",
    "VBoxVBoxVBox": "VirtualBox", "bhyve bhyve": "bhyve", "TCGTCGTCGTCG": "QEMU TCG", "ACRNACRNACRN": "ACRN",
    "QNXQVMBSQG": "QNX", "prl hyperv": "Parallels", "lrpepyh  vr": "Parallels", "OpenBSDVMM58": "OpenBSD vmm",
    "___ NVMM ___": "NVMM", "Linux KVM Hv": "KVM for Hyper-V", "Jailhouse": "Jailhouse",
}


def name(told: str) -> str:
    """Of what a host.json says; CPUID's twelve letters are padded with blanks or NUL."""
    vendor = told.strip(" \0")
    return VENDORS.get(vendor, vendor)
