// SPDX-License-Identifier: MIT
/* What host.json says of the hypervisor: its usual name, never the padding of CPUID. */
#include "machine/provenance.h"

#include "check.h"

static void hypervisors_have_their_usual_names(void) {
  static const struct {
    const char *vendor, *want;
  } cases[] = {{"KVMKVMKVM\0\0\0", "KVM"},
               {"bhyve bhyve ", "bhyve"},
               {"Microsoft Hv", "Hyper-V"},
               {"VMwareVMware", "VMware"},
               {" lrpepyh  vr", "Parallels"},
               {"prl hyperv  ", "Parallels"},
               {"Jailhouse\0\0\0", "Jailhouse"},
               {"NewComer\0\0\0\0", "NewComer"},
               {"  Newer  One", "Newer  One"},
               {"TwelveLetter", "TwelveLetter"},
               {"\0\0\0\0\0\0\0\0\0\0\0\0", "unknown"},
               {"            ", "unknown"},
               {"\1\2\3abcdefghi", "unknown"},
               {"abc\0defghijk", "unknown"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char name[13];
    check_about("%s", cases[i].want);
    CHECK_TEXT(cases[i].want, provenance_hypervisor_name(cases[i].vendor, name));
  }
}

int main(void) {
  hypervisors_have_their_usual_names();
  return check_result();
}
