// Where published traces and profiles lie that are no part of the project. A test that needs one is skipped where the folder of all of
// them is absent, and says so; where the folder is there and a file in it is not, the test is wrong.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace tideline::test {

/// The folder that an environment variable names, or the one of this kind beside the project.
inline std::filesystem::path published(const char* variable, const char* kind) {
  const char* const folder = std::getenv(variable);
  return folder != nullptr ? std::filesystem::path(folder) : std::filesystem::path(TIDELINE_SOURCE_DIR) / ".." / "shared" / "data" / kind;
}
inline std::filesystem::path published_traces() { return published("TIDELINE_TRACES", "traces"); }
inline std::filesystem::path published_profiles() { return published("TIDELINE_PROFILES", "profiles"); }

}  // namespace tideline::test

/// For the beginning of a test.
#define TIDELINE_NEEDS_PUBLISHED_TRACES()                           \
  if (!std::filesystem::exists(tideline::test::published_traces())) \
  GTEST_SKIP() << tideline::test::published_traces() << " is not there: TIDELINE_TRACES names the folder of published traces"
#define TIDELINE_NEEDS_PUBLISHED_PROFILES()                           \
  if (!std::filesystem::exists(tideline::test::published_profiles())) \
  GTEST_SKIP() << tideline::test::published_profiles() << " is not there: TIDELINE_PROFILES names the folder of published profiles"
