// A trace of arrivals in the folder for files of tests, for scenarios that replay one.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace tideline::test {

/// A csv file with arrivals at these nanoseconds, there while the object lives.
class TraceFile {
 public:
  explicit TraceFile(const std::vector<std::int64_t>& ns, const std::string& part = "") {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() + "tideline_" + test->test_suite_name() + "_" + test->name() + part + ".csv";
    for (auto& c : path_)
      if (&c - path_.data() >= static_cast<std::ptrdiff_t>(testing::TempDir().size()) && c == '/') c = '_';
    std::ofstream out(path_);
    out << "timestamp\n";
    for (const auto t : ns) out << t << '\n';
    EXPECT_TRUE(out.flush());
  }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  ~TraceFile() { std::remove(path_.c_str()); }

  /// What makes the first entry of the workload replay it, times as they are.
  std::vector<std::string> settings() const {
    return {"/workload/0/source=csv", R"(/workload/0/params={"file":")" + path_ + R"(","unit":"ns","start":"zero"})"};
  }

 private:
  std::string path_;
};

}  // namespace tideline::test
