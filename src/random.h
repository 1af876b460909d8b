// SPDX-License-Identifier: MIT
/*
 * random.h: random numbers for the threads of the hosts: cheap, each thread with a generator of its own, inlined.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* xorshift64*: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016. */
struct random_state {
  uint64_t state; /* never 0 */
};

static inline uint64_t random_next(struct random_state *random) {
  uint64_t x = random->state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  random->state = x;
  return x * 0x2545f4914f6cdd1du;
}

/* Differently seeded for each thread and trial: one step of splitmix64 (G. Steele et al., OOPSLA 2014). */
static inline struct random_state random_seed(uint64_t seed, uint64_t stream) {
  uint64_t z = seed + (stream + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (struct random_state){(z ^ z >> 31) | 1};
}

/* Maps 32 random bits to 0 .. bound - 1 without a division (bias below bound / 2^32). */
static inline uint32_t random_below(uint32_t random_bits, uint32_t bound) {
  return (uint32_t)(((uint64_t)random_bits * bound) >> 32);
}

/* Uniform in 0.5 .. 1.5 of mean: a fixed section and think time would lock threads in step. */
static inline uint64_t random_around(uint64_t mean, uint64_t random_bits) {
  return mean / 2 + (uint64_t)(((unsigned __int128)mean * random_bits) >> 64);
}

#endif
