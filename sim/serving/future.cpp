#include "sim/serving/future.h"

#include <utility>

namespace tideline {

namespace {

class ReadAhead final : public Future {
 public:
  explicit ReadAhead(Workload workload) : workload_(std::move(workload)) {}
  bool next(FutureQuery& out) override {
    if (workload_.next() == never) return false;
    Visit v;
    workload_.take(v);
    out = {v.arrival, v.cls, SiteId{v.origin}, v.items};
    return true;
  }

 private:
  Workload workload_;
};

}  // namespace

std::unique_ptr<Future> read_ahead(Workload workload) { return std::make_unique<ReadAhead>(std::move(workload)); }

}  // namespace tideline
