// SPDX-License-Identifier: MIT
#include "gbench.h"

#include <unistd.h>

#include <benchmark/benchmark.h>
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

bool only_lists, is_silenced, is_json, wants_tabular;
bool has_out, is_out_json = true, is_out_whole = true;
std::string color = "auto";
std::string filter_error;

// A reporter that can be told to say no more.
template <class Reporter> class Silenceable : public Reporter {
public:
  using Reporter::Reporter;
  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run> &runs) override {
    if (!is_silenced) Reporter::ReportRuns(runs);
  }
};

// A reporter into --benchmark_out, of which the library does not look whether all could be written.
template <class Reporter> class OutFile : public Silenceable<Reporter> {
public:
  using Silenceable<Reporter>::Silenceable;
  void Finalize() override {
    Silenceable<Reporter>::Finalize();
    is_out_whole = !this->GetOutputStream().flush().fail();
  }
};

std::unique_ptr<benchmark::BenchmarkReporter> make_out_reporter() {
  if (!has_out) return nullptr;
  if (is_out_json) return std::make_unique<OutFile<benchmark::JSONReporter>>();
  return std::make_unique<OutFile<benchmark::ConsoleReporter>>(benchmark::ConsoleReporter::OO_None);
}

std::unique_ptr<benchmark::BenchmarkReporter> make_reporter() {
  if (is_json) return std::make_unique<Silenceable<benchmark::JSONReporter>>();
  int options = wants_tabular ? benchmark::ConsoleReporter::OO_Tabular : benchmark::ConsoleReporter::OO_None;
  if (color == "true" || color == "yes" || color == "1" || (color == "auto" && message_has_codes(STDOUT_FILENO)))
    options |= benchmark::ConsoleReporter::OO_Color;
  auto console = std::make_unique<Silenceable<benchmark::ConsoleReporter>>(
      static_cast<benchmark::ConsoleReporter::OutputOptions>(options));
  console->SetErrorStream(&std::cout); // where its context goes: standard error is for progress and complaints
  return console;
}

// The value of --name=value or --name, or null if the argument is another.
const char *value_of(const char *argument, const char *name) {
  const size_t n = std::strlen(name);
  if (std::strncmp(argument, name, n) != 0) return nullptr;
  return argument[n] == '=' ? argument + n + 1 : argument[n] == '\0' ? "true" : nullptr;
}

bool is_true(const char *value) { return std::strchr("tTyY1", value[0]) != nullptr && value[0] != '\0'; }

} // namespace

void gbench_initialize(int *n_arguments, char **arguments) {
  // The library keeps these to itself, but a reporter of our own must obey them too.
  for (int i = 1; i < *n_arguments; i++) {
    if (const char *value = value_of(arguments[i], "--benchmark_list_tests")) only_lists = is_true(value);
    if (const char *value = value_of(arguments[i], "--benchmark_format")) is_json = std::strcmp(value, "json") == 0;
    if (const char *value = value_of(arguments[i], "--benchmark_out")) has_out = *value != '\0';
    if (const char *value = value_of(arguments[i], "--benchmark_out_format"))
      is_out_json = std::strcmp(value, "json") == 0;
    if (const char *value = value_of(arguments[i], "--benchmark_counters_tabular")) wants_tabular = is_true(value);
    if (const char *value = value_of(arguments[i], "--benchmark_color")) color = value;
  }
  benchmark::Initialize(n_arguments, arguments);
}

bool gbench_has_console(void) { return !is_json; }

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
                               [function, argument](benchmark::State &state) {
                                 gbench_state wrapped{state, false};
                                 for (auto _ : state) {
                                   function(&wrapped, argument);
                                   if (!wrapped.has_result) break;
                                 }
                               })
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

unsigned gbench_run(void) {
  // Whoever registered has asked gbench_admits() before, and knows the total.
  benchmark::SetBenchmarkFilter(".");
  return static_cast<unsigned>(benchmark::RunSpecifiedBenchmarks(make_reporter().get(), make_out_reporter().get()));
}

bool gbench_out_is_whole(void) { return is_out_whole; }

void gbench_silence(void) { is_silenced = true; }

void gbench_add_context(const char *key, const char *value) { benchmark::AddCustomContext(key, value); }

void gbench_set_time(struct gbench_state *state, double seconds) {
  state->state.SetIterationTime(seconds);
  state->has_result = true;
}

void gbench_count(struct gbench_state *state, const char *name, double value) { state->state.counters[name] = value; }

void gbench_skip(struct gbench_state *state, const char *why) { state->state.SkipWithError(why); }
