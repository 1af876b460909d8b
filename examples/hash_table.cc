// SPDX-License-Identifier: MIT
/*
 * hash_table: a map for many threads, cut into stripes that each have a readers/writer lock, so that only those meet
 * that look for keys of the same stripe while one of them writes.
 *
 *   c++ -std=c++17 $(pkg-config --cflags lockbench) hash_table.cc $(pkg-config --libs lockbench) -o hash_table
 */
#include <array>
#include <cstdio>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <lockbench/rw_futex.h>

#include <lockbench/lk.hpp>

LK_SHARED_MUTEX(rw_futex);

template <class Key, class Value, std::size_t n_stripes = 16> class striped_map {
public:
  std::optional<Value> find(const Key &key) {
    stripe &at = stripe_of(key);
    std::shared_lock guard(at.mutex);
    const auto found = at.map.find(key);
    return found == at.map.end() ? std::nullopt : std::optional<Value>(found->second);
  }

  /* Changes the value, which is Value() before the first time, while no other thread sees it. */
  template <class Change> void update(const Key &key, Change change) {
    stripe &at = stripe_of(key);
    std::lock_guard guard(at.mutex);
    change(at.map[key]);
  }

private:
  struct alignas(LK_LINE_BYTES) stripe {
    lk::shared_mutex<lk_rw_futex> mutex;
    std::unordered_map<Key, Value> map;
  };
  std::array<stripe, n_stripes> stripes;

  /* The map inside uses the low bits of the hash, so the stripe is chosen by others. */
  stripe &stripe_of(const Key &key) { return stripes[(std::hash<Key>()(key) >> 7) % n_stripes]; }
};

int main() {
  enum { N_THREADS = 4, N_KEYS = 100, N_ROUNDS = 50 };
  striped_map<std::string, long> visits;
  std::vector<std::thread> threads;
  for (int i = 0; i < N_THREADS; i++) {
    threads.emplace_back([&visits] {
      for (int j = 0; j < N_ROUNDS * N_KEYS; j++) {
        const std::string key = "page " + std::to_string(j % N_KEYS);
        visits.update(key, [](long &n) { n++; });
        if (visits.find(key).value_or(0) < j / N_KEYS + 1) std::abort(); /* at least our own visits */
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  long n_wrong = 0;
  for (int i = 0; i < N_KEYS; i++) n_wrong += visits.find("page " + std::to_string(i)) != N_THREADS * N_ROUNDS;
  std::printf("%d keys, %ld of them with a wrong count\n", N_KEYS, n_wrong);
  return n_wrong > 0;
}
