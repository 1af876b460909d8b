// SPDX-License-Identifier: MIT
#include "gbench.h"

#include <unistd.h>

#include <benchmark/benchmark.h>
#include <cctype>
#include <cmath>
#include <cstring>
#include <iostream>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "message.h"

struct gbench_state {
  benchmark::State &state;
  bool has_result;
};

namespace {

bool only_lists, is_silenced, is_json, is_file_console, is_file_whole = true, wants_tabular;
std::string out_file, color = "auto";
std::string filter_error;

// What a trial came to, on its way through Google Benchmark to our reporters: as counters that they take out again.
const char n_ops_key[] = "lockbench n_ops", seconds_key[] = "lockbench seconds", cpu_key[] = "lockbench cpu_seconds";

double take_out(benchmark::UserCounters &counters, const char *key) {
  const double value = counters[key];
  counters.erase(key);
  return value;
}

// Google Benchmark divides times by iterations: with the operations for these, its time is that of one operation.
benchmark::BenchmarkReporter::Run by_operation(benchmark::BenchmarkReporter::Run run) {
  if (run.counters.count(n_ops_key) == 0) return run; // an error
  run.iterations = static_cast<benchmark::IterationCount>(take_out(run.counters, n_ops_key));
  run.real_accumulated_time = take_out(run.counters, seconds_key);
  run.cpu_accumulated_time = take_out(run.counters, cpu_key);
  return run;
}

// A reporter that reports by operation, and can be told to say no more.
template <class Reporter> class ByOperation : public Reporter {
public:
  using Reporter::Reporter;
  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run> &runs) override {
    std::vector<benchmark::BenchmarkReporter::Run> reported;
    for (const auto &run : runs) reported.push_back(by_operation(run));
    if (!is_silenced) Reporter::ReportRuns(reported);
  }
};

// A reporter into --benchmark_out, of which the library does not look whether all could be written.
template <class Reporter> class OutFile : public ByOperation<Reporter> {
public:
  using ByOperation<Reporter>::ByOperation;
  void Finalize() override {
    ByOperation<Reporter>::Finalize();
    is_file_whole = !this->GetOutputStream().flush().fail();
  }
};

std::unique_ptr<benchmark::BenchmarkReporter> make_console(bool is_colored) {
  int options = wants_tabular ? benchmark::ConsoleReporter::OO_Tabular : benchmark::ConsoleReporter::OO_None;
  if (is_colored) options |= benchmark::ConsoleReporter::OO_Color;
  return std::make_unique<ByOperation<benchmark::ConsoleReporter>>(
      static_cast<benchmark::ConsoleReporter::OutputOptions>(options));
}

std::unique_ptr<benchmark::BenchmarkReporter> make_display() {
  if (is_json) return std::make_unique<ByOperation<benchmark::JSONReporter>>();
  const bool is_on = color == "true" || color == "yes" || color == "1" || color == "on";
  auto console = make_console(is_on || (color == "auto" && message_has_codes(STDOUT_FILENO)));
  console->SetErrorStream(&std::cout); // where its context goes: standard error is for progress and complaints
  return console;
}

std::unique_ptr<benchmark::BenchmarkReporter> make_file() {
  if (out_file.empty()) return nullptr;
  if (is_file_console)
    return std::make_unique<OutFile<benchmark::ConsoleReporter>>(benchmark::ConsoleReporter::OO_None);
  return std::make_unique<OutFile<benchmark::JSONReporter>>();
}

// Counts what it is told and prints nothing.
class Counter : public benchmark::BenchmarkReporter {
public:
  unsigned n_reported = 0;
  bool ReportContext(const Context &) override { return true; }
  void ReportRuns(const std::vector<Run> &runs) override { n_reported += static_cast<unsigned>(runs.size()); }
};

// The value of --name=value or --name, or null if the argument is another.
const char *value_of(const char *argument, const char *name) {
  const size_t n = std::strlen(name);
  if (std::strncmp(argument, name, n) != 0) return nullptr;
  return argument[n] == '=' ? argument + n + 1 : argument[n] == '\0' ? "true" : nullptr;
}

// As Google Benchmark reads a truth value.
bool is_true(const char *value) {
  std::string text = value;
  for (char &c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text != "0" && text != "f" && text != "n" && text != "false" && text != "no" && text != "off";
}

// Hands over a list of arguments, of which it takes what it knows.
void hand_over(std::vector<char *> arguments) {
  int n = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&n, arguments.data());
}

} // namespace

void gbench_initialize(int *n_arguments, char **arguments) {
  // The library keeps these to itself, but a reporter of our own must obey them too.
  for (int i = 1; i < *n_arguments; i++) {
    if (const char *value = value_of(arguments[i], "--benchmark_list_tests")) only_lists = is_true(value);
    if (const char *value = value_of(arguments[i], "--benchmark_format")) is_json = std::strcmp(value, "json") == 0;
    if (const char *value = value_of(arguments[i], "--benchmark_counters_tabular")) wants_tabular = is_true(value);
    if (const char *value = value_of(arguments[i], "--benchmark_color")) color = value;
    if (const char *value = value_of(arguments[i], "--benchmark_out")) out_file = value;
    if (const char *value = value_of(arguments[i], "--benchmark_out_format"))
      is_file_console = std::strcmp(value, "console") == 0;
  }
  benchmark::Initialize(n_arguments, arguments);
}

bool gbench_runs_once(void) {
  static char program[] = "lockbench", no_file[] = "--benchmark_out=";
  static std::string file; // Google Benchmark may keep the pointer
  const std::string filter = benchmark::GetBenchmarkFilter();
  unsigned n_runs = 0;
  Counter counter;
  hand_over({program, no_file}); // it would open, and so empty, the file for this already
  benchmark::RegisterBenchmark("probe",
                               [&n_runs](benchmark::State &state) {
                                 for (auto _ : state) n_runs++, state.SetIterationTime(1e-9);
                               })
      ->Iterations(1)
      ->UseManualTime();
  benchmark::SetBenchmarkFilter(".");
  benchmark::RunSpecifiedBenchmarks(&counter);
  benchmark::ClearRegisteredBenchmarks();
  benchmark::SetBenchmarkFilter(filter);
  file = no_file + out_file;
  hand_over({program, file.data()});
  return n_runs == 1 && counter.n_reported == 1;
}

bool gbench_has_console(void) { return !is_json; }

bool gbench_has_file(void) { return !out_file.empty(); }

bool gbench_only_lists(void) { return only_lists; }

bool gbench_admits(const char *name, const char **error) {
  *error = nullptr;
  std::string filter = benchmark::GetBenchmarkFilter();
  if (filter.empty() || filter == "all") return true;
  const bool is_negative = filter[0] == '-';
  if (is_negative) filter.erase(0, 1);
  try {
    return std::regex_search(name, std::regex(filter, std::regex::extended)) != is_negative;
  } catch (const std::regex_error &wrong) {
    filter_error = wrong.what();
    *error = filter_error.c_str();
    return false;
  }
}

void gbench_register(const char *name, gbench_function *function, void *argument) {
  benchmark::RegisterBenchmark(name,
                               [function, argument, was_run = false](benchmark::State &state) mutable {
                                 gbench_state wrapped{state, false};
                                 for (auto _ : state) {
                                   if (was_run)
                                     state.SkipWithError("Google Benchmark ran this trial a second time");
                                   else
                                     function(&wrapped, argument);
                                   was_run = true;
                                   if (!wrapped.has_result) break;
                                 }
                               })
      ->Iterations(1)
      ->UseManualTime();
}

unsigned gbench_run(void) {
  // The caller that registered has asked gbench_admits() before, and knows the total.
  benchmark::SetBenchmarkFilter(".");
  return static_cast<unsigned>(benchmark::RunSpecifiedBenchmarks(make_display().get(), make_file().get()));
}

bool gbench_out_is_whole(void) { return is_file_whole; }

void gbench_silence(void) { is_silenced = true; }

void gbench_add_context(const char *key, const char *value) { benchmark::AddCustomContext(key, value); }

void gbench_set_result(struct gbench_state *state, double n_ops, double seconds, double cpu_seconds) {
  state->state.SetIterationTime(seconds);
  state->state.counters[n_ops_key] = n_ops;
  state->state.counters[seconds_key] = seconds;
  state->state.counters[cpu_key] = cpu_seconds;
  state->has_result = true;
}

void gbench_count(struct gbench_state *state, const char *name, double value) {
  if (std::isfinite(value)) state->state.counters[name] = value; // JSON has no word for the others
}

void gbench_skip(struct gbench_state *state, const char *why) { state->state.SkipWithError(why); }
