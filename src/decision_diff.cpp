#include "src/decision_diff.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

namespace tideline {

namespace {

constexpr std::size_t most_before = 3, most_of_query = 5;

/// Of /decisions.
enum Part : std::uint8_t { time_column, controller, answered, reason, query_column, chosen, runner_up, amount };

/// The decisions of a file, as numbers and as texts.
class Decisions {
 public:
  explicit Decisions(const ResultsReader& reader)
      : table_(reader, "decisions"),
        names_(reader),
        answers_(reader.strings("/run/names/answers/name")),
        kinds_(reader.strings("/run/names/answers/kind")),
        subjects_(reader.strings("/run/names/answers/chosen")),
        amounts_(reader.strings("/run/names/answers/amount")),
        units_(reader.strings("/run/names/answers/unit")) {
    const auto controllers = reader.integers("/run/names/policies/controller");
    const auto kinds = reader.strings("/run/names/policies/kind"), names = reader.strings("/run/names/policies/name");
    for (std::size_t k = 0; k < names.size(); ++k) policies_[{controllers[k], kinds[k]}] = names[k];
    for (const char* name : {"time", "controller", "answer", "reason", "query", "chosen", "runner_up", "amount"})
      columns_.push_back(table_.column(name));
  }

  std::uint64_t rows() const { return table_.rows(); }
  void go_to(std::uint64_t row) { table_.go_to(row); }
  std::int64_t value(Part column) const { return table_.integer(columns_[column]); }
  std::size_t answer() const { return static_cast<std::size_t>(value(answered)); }
  bool of_query() const { return names_.of_query(answer()); }
  const std::vector<std::string>& answers() const { return answers_; }
  /// The table of names that `chosen` is a row of; empty where it is none.
  std::string subject_table() const {
    const std::string& s = subjects_[answer()];
    return s.empty() || s == "nothing" || s == "instance" ? std::string() : s + "s";
  }

  DecisionText text(std::uint64_t row) {
    go_to(row);
    DecisionText d;
    d.row = row;
    d.time_ns = value(time_column);
    if (of_query()) d.query = std::to_string(value(query_column));
    d.kind = kinds_[answer()];
    if (const auto found = policies_.find({value(controller), d.kind}); found != policies_.end()) d.policy = found->second;
    d.answer = answers_[answer()];
    d.chosen = names_.subject(answer(), value(chosen));
    d.runner_up = names_.subject(answer(), value(runner_up));
    d.reason = names_.reason(value(controller), answer(), value(reason));
    d.amount = amount_text(value(amount), amounts_[answer()], units_[answer()]);
    return d;
  }

  /// The last decisions about the query of this row, before it.
  std::vector<DecisionText> earlier_of_query(std::uint64_t row) {
    go_to(row);
    std::vector<DecisionText> out;
    if (!of_query()) return out;
    const std::int64_t query = value(query_column);
    for (std::uint64_t k = row; k-- > 0 && out.size() < most_of_query;) {
      go_to(k);
      if (of_query() && value(query_column) == query) out.push_back(text(k));
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

 private:
  RecordTable table_;
  DecisionNames names_;
  std::vector<std::string> answers_, kinds_, subjects_, amounts_, units_;
  std::map<std::pair<std::int64_t, std::string>, std::string> policies_;
  std::vector<std::size_t> columns_;
};

/// What a number of one file is in another: by name, -2 where the other has no such name.
class Translation {
 public:
  Translation(const ResultsReader& from, const ResultsReader& to) : from_(from), to_(to) {}

  std::int64_t operator()(const std::string& table, std::int64_t index) {
    if (table.empty() || index < 0) return index;
    const auto [found, fresh] = tables_.try_emplace(table);
    if (fresh) found->second = between(from_.names(table), to_.names(table));
    const auto k = static_cast<std::size_t>(index);
    return k < found->second.size() ? found->second[k] : -2;
  }

  static std::vector<std::int64_t> between(const std::vector<std::string>& from, const std::vector<std::string>& to) {
    std::vector<std::int64_t> out;
    for (std::size_t k = 0; k < from.size(); ++k) {
      // Most often both have the same names in the same order.
      const auto at =
          k < to.size() && to[k] == from[k] ? to.begin() + static_cast<std::ptrdiff_t>(k) : std::find(to.begin(), to.end(), from[k]);
      out.push_back(at == to.end() ? -2 : at - to.begin());
    }
    return out;
  }

 private:
  const ResultsReader& from_;
  const ResultsReader& to_;
  std::map<std::string, std::vector<std::int64_t>> tables_;
};

/// What was there just before `time`. Instances that the decision names get their group too.
std::map<std::string, GroupState> instances_at(const ResultsReader& reader, std::int64_t time, std::optional<DecisionText>& decision) {
  std::map<std::string, GroupState> out;
  std::map<std::int64_t, std::string> groups;  // by serial
  const auto describe = [&](const std::string& serial, const std::string& group) {
    for (std::string* name : {&decision->chosen, &decision->runner_up})
      if (*name == "#" + serial) *name += " (" + group + ")";
  };
  RecordTable instances(reader, "instances");
  const auto passed = [&](const char* column) {
    const std::int64_t at = instances.integer(instances.column(column));
    return at >= 0 && at < time;
  };
  for (std::uint64_t k = 0; k < instances.rows(); ++k) {
    instances.go_to(k);
    const std::string group =
        std::string(instances.name(instances.column("variant"))) + " at " + std::string(instances.name(instances.column("site")));
    if (decision) describe(std::to_string(instances.integer(instances.column("serial"))), group);
    if (!passed("started") || passed("stopped")) continue;
    groups[instances.integer(instances.column("serial"))] = group;
    GroupState& s = out[group];
    ++(passed("draining") ? s.draining : passed("warm") ? s.warm : s.starting);
  }
  if (!reader.has("/batches") || reader.columns("/batches").empty()) return out;
  RecordTable batches(reader, "batches");
  const std::size_t began = batches.column("began"), took = batches.column("took"), instance = batches.column("instance");
  for (std::uint64_t k = 0; k < batches.rows(); ++k) {
    batches.go_to(k);
    if (batches.integer(began) >= time || batches.integer(began) + batches.integer(took) < time) continue;
    if (const auto group = groups.find(batches.integer(instance)); group != groups.end()) ++out[group->second].busy;
  }
  return out;
}

bool has_rows(const ResultsReader& reader, const std::string& table) {
  return reader.has("/" + table) && !reader.columns("/" + table).empty();
}

}  // namespace

bool has_decisions(const ResultsReader& reader) { return has_rows(reader, "decisions"); }

DecisionDifference compare_decisions(const ResultsReader& a, const ResultsReader& b) {
  Decisions of_a(a), of_b(b);
  Translation translate(a, b);
  const auto answers = Translation::between(of_a.answers(), of_b.answers());
  DecisionDifference out;
  out.a.rows = of_a.rows();
  out.b.rows = of_b.rows();
  const auto same_choice = [&](Part column) { return translate(of_a.subject_table(), of_a.value(column)) == of_b.value(column); };
  const auto same_value = [&](Part column) { return of_a.value(column) == of_b.value(column); };
  std::uint64_t row = 0;
  std::optional<std::uint64_t> other_reason;
  // Whether a number of a reason means the same in both: by name, looked up once each.
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>, bool> same_reason;
  for (; row < std::min(of_a.rows(), of_b.rows()); ++row) {
    of_a.go_to(row);
    of_b.go_to(row);
    if (!same_value(time_column) || !same_value(controller) || answers[of_a.answer()] != of_b.value(answered) ||
        (of_a.of_query() && !same_value(query_column)) || !same_choice(chosen) || !same_value(amount))
      break;
    if (other_reason) continue;
    const auto [known, fresh] =
        same_reason.try_emplace({of_a.value(controller), of_a.value(answered), of_a.value(reason), of_b.value(reason)}, true);
    if (fresh) known->second = of_a.text(row).reason == of_b.text(row).reason;
    if (!known->second || !same_choice(runner_up)) other_reason = row;
  }
  if (other_reason) out.other_reason.emplace(of_a.text(*other_reason), of_b.text(*other_reason));
  out.row = row;
  out.same = row == of_a.rows() && row == of_b.rows();
  if (out.same) return out;
  std::int64_t time = std::numeric_limits<std::int64_t>::max();
  for (auto [decisions, side] : {std::pair(&of_a, &out.a), std::pair(&of_b, &out.b)}) {
    if (row >= decisions->rows()) continue;
    side->decision = decisions->text(row);
    side->of_query = decisions->earlier_of_query(row);
    time = std::min(time, side->decision->time_ns);
  }
  for (std::uint64_t k = row > most_before ? row - most_before : 0; k < row; ++k) out.before.push_back(of_a.text(k));
  for (auto [reader, side] : {std::pair(&a, &out.a), std::pair(&b, &out.b)}) {
    side->has_instances = has_rows(*reader, "instances");
    if (side->has_instances) side->instances = instances_at(*reader, time, side->decision);
  }
  return out;
}

}  // namespace tideline
