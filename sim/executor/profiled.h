// Loads and batches as the catalog says, with draws keyed by what they belong to.
#pragma once

#include "sim/executor/executor.h"

namespace tideline {

class ProfiledExecutor final : public Executor {
 public:
  ProfiledExecutor(const Catalog& catalog, std::uint64_t seed) : catalog_(catalog), seed_(seed) {}
  Duration expected_load(const LoadParts& parts) const override;
  std::optional<double> load(const LoadRun& run) override;
  Duration expected_run(const BatchRun& run) const override;
  Duration run(InstanceId i, const BatchRun& run) override;

 private:
  const Catalog& catalog_;
  std::uint64_t seed_;
};

}  // namespace tideline
