// A few kilobytes of a run's decisions, whatever their number, by which a later run finds out where it parts from them.
#pragma once

#include "sim/model/recorder.h"
#include "sim/model/world.h"
#include "sim/policy/decision.h"
#include "sim/serving/controller.h"
#include "src/decision_text.h"
#include "src/json_document.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tideline {

/// All decisions go into one running hash: time, controller, answer, query, choice and amount, things by name and instances by serial. A
/// mark is its lowest 12 bits after a decision. There is one for each of the first decisions, and one after every `stride` of all, which
/// is the smallest power of two that leaves no more than `most_marks`.
struct DecisionPrint {
  static constexpr std::size_t most_marks = 2048, most_first = 24;
  std::uint64_t count = 0, hash = 0, stride = 1;
  std::vector<std::uint16_t> marks, first_marks;
  std::vector<std::string> first;  ///< the first decisions, as texts

  friend bool operator==(const DecisionPrint&, const DecisionPrint&) = default;
};

Json to_json(const DecisionPrint& print);
/// Nothing where it is none.
std::optional<DecisionPrint> decision_print(const Json& json);

/// A decision with the hash of all up to it.
struct HashedDecision {
  std::uint64_t hash = 0;
  DecisionText text;
};

/// Where a run parts from a print. Decisions are numbered from 0.
struct Parting {
  std::uint64_t from = 0, to = 0;   ///< the first that differs is one of these, both included; the marks before `from` are the same
  std::int64_t from_ns = 0;         ///< time of the last decision that was confirmed; 0: none
  std::int64_t to_ns = 0;           ///< time of the present decision `to`, or of the last one
  std::vector<HashedDecision> now;  ///< the present ones from `from` to `to`; fewer where the run makes no more
  std::string was;                  ///< what was decided at `from`, where `from` is `to` and it is known
  std::optional<DecisionText> is;   ///< what is decided there; none: nothing any more
};

/// Makes the print of a run, and holds it against another one as it goes.
class DecisionWatch final : public Recorder {
 public:
  /// `expected`: the print to be held against; must outlive the run. Null: none.
  explicit DecisionWatch(const DecisionPrint* expected = nullptr) : expected_(expected) {}
  /// Keeps the decisions with numbers from `from` to `to`.
  void keep(std::uint64_t from, std::uint64_t to) { keep_from_ = from, keep_to_ = to; }

  /// Before the run: what numbers stand for.
  void begin(const World& world);
  void name_policies(std::span<const Controller> controllers);

  Facts facts() const override { return {.arrivals = false, .batches = false, .decisions = true}; }
  void run_begins(const Cluster& cluster) override { cluster_ = &cluster; }
  void decided(ControllerId controller, const Decision& d, Time now) override;

  /// Once the run has ended.
  const DecisionPrint& print() const { return print_; }
  std::optional<Parting> parting() const;
  const std::vector<HashedDecision>& kept() const { return kept_; }

 private:
  struct Raw {
    std::uint64_t hash = 0, number = 0;
    Decision decision;
    std::uint32_t controller = 0;
    Time at{};
  };

  std::uint64_t choice_hash(DecisionSubject subject, std::uint32_t index) const;
  DecisionText text_of(const Raw& raw) const;
  void mark();
  void hold_against(const Raw& raw);
  void part();

  const DecisionPrint* expected_;
  const Cluster* cluster_ = nullptr;
  std::vector<std::vector<std::uint64_t>> hashes_;  // by subject, then index
  std::vector<std::vector<std::string>> names_;     // the same
  std::vector<std::string> policies_;               // by controller and kind
  std::vector<std::vector<std::string>> reasons_;   // the same
  DecisionPrint print_;
  std::vector<Raw> since_;  // since the last mark that was confirmed
  std::uint64_t confirmed_ = 0;
  Time confirmed_at_{};
  std::optional<Parting> parting_;
  std::uint64_t keep_from_ = 1, keep_to_ = 0;
  std::vector<HashedDecision> kept_;
};

/// The first decision that is not the same in two lists of a run and an earlier one, numbered alike; makes the parting exact. `was`: the
/// earlier ones from `from` to `to`.
void make_exact(Parting& parting, const std::vector<HashedDecision>& was);

}  // namespace tideline
