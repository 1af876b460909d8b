// SPDX-License-Identifier: MIT
/*
 * code_layout.h: where the machine code of the timed loops lies.
 *
 * The speed of a loop depends on where in the processor's fetch and cache lines it begins, and without precautions that
 * is decided by the name of the lock and the order of the link: a constant of the build that no repetition averages
 * out (T. Mytkowicz et al., "Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009). So
 *   - equal code lies alike: an object's code begins a page, and each loop begins a line: CODE_LAYOUT_BEGIN_PAGE,
 *     CODE_LAYOUT_LINE;
 *   - the layout is sampled: each loop exists in N_CODE_LAYOUTS copies, of which copy n lies n steps further into its
 *     line, and each trial draws one (C. Curtsinger, E. D. Berger, "Stabilizer", ASPLOS 2013, move code about likewise,
 *     at run time).
 * A step is what compilers align functions and the heads of loops to, so that the copies stand for all places that a
 * lock may have in a program. tests/code/code_layout.py reads the addresses from the built program.
 */
#ifndef CODE_LAYOUT_H
#define CODE_LAYOUT_H

#include <stdint.h>

enum { N_CODE_LAYOUTS = 4, CODE_LAYOUT_STEP_BYTES = 16, CODE_LAYOUT_LINE_BYTES = 64 };

#define CODE_LAYOUT_LINE __attribute__((aligned(64)))

/* At the head of a file, outside of functions: its hot code and its cold code begin at the same place as any other's.
 */
#define CODE_LAYOUT_BEGIN_PAGE                                                                                         \
  __asm__(".pushsection .text\n.p2align 12\n.popsection\n"                                                             \
          ".pushsection .text.unlikely,\"ax\",%progbits\n.p2align 6\n.popsection");

/* The instruction that does nothing is one byte on x86 and four elsewhere (two on RISC-V where code is compressed). */
#if defined(__x86_64__) || defined(__i386__)
#define CODE_LAYOUT_NOP_BYTES 1
#elif defined(__riscv_compressed)
#define CODE_LAYOUT_NOP_BYTES 2
#else
#define CODE_LAYOUT_NOP_BYTES 4
#endif

/* At the head of a function: moves what follows n steps on. They are passed once, on the way into the loop. */
#define CODE_LAYOUT_PAD(n)                                                                                             \
  __asm__ volatile(".rept %c0\n\tnop\n\t.endr" : : "i"((n)*CODE_LAYOUT_STEP_BYTES / CODE_LAYOUT_NOP_BYTES))

/*
 * The layout of a cell's trial of that repetition (from 1) in the run of that seed: below N_CODE_LAYOUTS, at random,
 * and each of them once in any N_CODE_LAYOUTS repetitions from the first on, so that few repetitions sample evenly.
 */
unsigned code_layout_draw(uint64_t seed, unsigned cell, unsigned repetition);

#endif
