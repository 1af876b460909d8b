// SPDX-License-Identifier: MIT
/*
 * leveldb.cc: random reads, or writes, of a LevelDB by many threads, for scripts/programs: Debian has the library, and
 * no program that does this.
 *
 *   leveldb fill FOLDER              writes all records and compacts them
 *   leveldb get|put FOLDER THREADS   prints operations per second over a second; put begins with an empty database
 */
#include <leveldb/cache.h>
#include <leveldb/db.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

static const int n_records = 100000;

static void check(const leveldb::Status &status) {
  if (status.ok()) return;
  fprintf(stderr, "leveldb: %s\n", status.ToString().c_str());
  exit(1);
}

static std::string key(int record) {
  char text[17];
  snprintf(text, sizeof text, "%016d", record);
  return text;
}

static void fill(leveldb::DB *db) {
  for (int record = 0; record < n_records; record++)
    check(db->Put(leveldb::WriteOptions(), key(record), std::string(100, 'x')));
  db->CompactRange(nullptr, nullptr);
}

static double operations_per_s(leveldb::DB *db, bool is_put, int n_threads) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> n_operations{0};
  const auto work = [&](unsigned seed) {
    std::minstd_rand random(seed);
    std::string value(100, 'y');
    uint64_t n_own = 0; /* one shared count for each operation would be what is measured */
    for (; !stop.load(std::memory_order_relaxed); n_own++) {
      const std::string chosen = key(static_cast<int>(random() % n_records));
      check(is_put ? db->Put(leveldb::WriteOptions(), chosen, value) : db->Get(leveldb::ReadOptions(), chosen, &value));
    }
    n_operations += n_own;
  };
  std::vector<std::thread> threads;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < n_threads; i++) threads.emplace_back(work, i + 1);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  stop = true;
  for (std::thread &thread : threads) thread.join();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(n_operations) / taken.count();
}

int main(int n_arguments, char **arguments) {
  const std::string mode = n_arguments > 2 ? arguments[1] : "";
  const int n_threads = n_arguments > 3 ? atoi(arguments[3]) : 0;
  if (mode != "fill" && ((mode != "get" && mode != "put") || n_threads < 1)) {
    fprintf(stderr, "usage: leveldb fill FOLDER | leveldb get|put FOLDER THREADS\n");
    return 2;
  }
  const std::unique_ptr<leveldb::Cache> cache(leveldb::NewLRUCache(256 << 20));
  leveldb::Options options;
  options.create_if_missing = true;
  options.compression = leveldb::kNoCompression;
  options.block_cache = cache.get();
  options.write_buffer_size = 64 << 20;
  if (mode == "put") check(leveldb::DestroyDB(arguments[2], options));
  leveldb::DB *opened = nullptr;
  check(leveldb::DB::Open(options, arguments[2], &opened));
  const std::unique_ptr<leveldb::DB> db(opened); /* gone before its cache is */
  if (mode == "fill")
    fill(db.get());
  else
    printf("%.0f operations/s\n", operations_per_s(db.get(), mode == "put", n_threads));
  return 0;
}
