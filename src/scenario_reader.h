// How a scenario file is read, section by section. Only scenario.cpp and the files of its sections need it.
#pragma once

#include "sim/core/param.h"
#include "sim/core/pointer.h"
#include "src/environment_reader.h"
#include "src/json_document.h"
#include "src/scenario.h"
#include "src/scenario_sections.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tideline {

/// The parts of a scenario while it is bound: document, problems, and the scenario that grows.
class ScenarioReader {
 public:
  ScenarioReader(const std::string& path, const std::vector<Layer>& layers, const PolicyRegistry& registry);
  Scenario read();

 private:
  // scenario.cpp: what all sections need, and the small ones
  const Json& root() const { return document_.root; }
  static const Json* member(const Json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto at = object.find(std::string(key));
    return at == object.end() ? nullptr : &*at;
  }
  static std::string element(std::string_view pointer, std::size_t k) { return child(pointer, std::to_string(k)); }
  /// Whether `read` found what it reads, and no problem.
  template <class F>
  bool is_right(F read) {
    const std::size_t before = problems_.list().size(), before_files = in_other_files_.size();
    read();
    return problems_.list().size() == before && in_other_files_.size() == before_files && !incomplete_;
  }
  template <class List, class F>
  static std::vector<std::string_view> names_of(const List& list, F name) {
    std::vector<std::string_view> out;
    for (const auto& x : list) out.push_back(name(x));
    return out;
  }
  template <class Section>
  Section section(std::string_view key) {
    const Json* s = member(root(), key);
    const auto bound = param::bind<Section>(s != nullptr ? to_value(*s) : param::Value{}, child("", key), problems_);
    sections_[std::string(key)] = to_json(param::effective(bound));
    return bound;
  }
  /// A section of objects: the list that is there, or nothing; a problem where it is no list, or must not be empty.
  const Json* list(const Json& object, std::string_view pointer, std::string_view key, bool needed);
  /// The index of `name` among `names`, or nothing and a problem.
  std::optional<std::size_t> find(std::string_view what, const std::string& name, const std::vector<std::string_view>& names,
                                  const std::string& pointer);
  bool has_problem(std::string_view pointer) const;
  /// Whether there is one at `pointer` or below.
  bool has_problem_in(const std::string& pointer) const;
  void throw_if_wrong() const;
  /// The file that the path at `pointer` means: relative to the file that names it, or to the current folder where an option does.
  std::filesystem::path resolve(const std::string& pointer, const std::string& path);
  void top();
  void outcomes();
  void environment();
  /// The file that the path at `at` means, if it is there; its hash is kept under `name`.
  std::optional<std::filesystem::path> input_file(const std::string& path, const std::string& at, const std::string& name,
                                                  bool or_folder = false);
  void control();
  void rest();
  /// What takes all parts to say.
  void whole();
  void effective();
  /// Last: what is effective is said in the time of the workload.
  void compress();
  /// A path as the scenario's own file would say it: short, and the same wherever the current folder is.
  std::string from_folder(const std::string& pointer, const std::filesystem::path& file) const;

  // scenario_policies.cpp
  /// Policies are read before the workload that says how their intervals are scaled.
  void find_control_scale();
  /// Notes by how much a trace is compressed.
  void compressed(const TraceParams& p, const std::string& where);
  /// Parameters of a policy with its intervals scaled as a trace is.
  param::Value with_scaled_intervals(const PolicyDefinition& d, param::Value value) const;
  /// A duration as a number or a text with its unit; NaN where it is neither.
  static double seconds_of(const param::Value& value);
  /// Says what a compressed trace makes of times that are not compressed with it.
  void say_hours_of_trace();
  void policies();
  /// What is named beside a joint policy takes a kind from it.
  void check_joint(const PolicyDefinition& joint, const Json& section);
  /// `unnamed`: the policy that is meant where no name is given, if any.
  const PolicyDefinition* choose(const Json& value, const std::string& at, const std::string& what,
                                 const std::vector<std::string_view>& names, const PolicyDefinition* unnamed = nullptr);
  BoundPolicy bind(const PolicyDefinition& d, const Json& value, const std::string& at);

  // scenario_cluster.cpp
  void catalog();
  void cluster();
  void initial();
  std::uint8_t core_option(const Variant& variant, std::optional<std::uint32_t> cores, const std::string& at);

  // scenario_workload.cpp
  template <class Params>
  void generator(const param::Value& value, const std::string& where, EntrySpec& e) {
    auto p = param::bind<Params>(value, where, problems_);
    p.rate_scale = load_;
    e.params = p;
  }
  /// Whether the rows of a source can be of several tasks.
  static bool names_tasks(const std::string& source) { return source == "csv" || source == "trace"; }
  void workload();
  std::vector<TaskId> read_popularity(const Json& value, const std::string& at, const std::vector<std::string_view>& task_names,
                                      EntrySpec& e);
  /// Classes of what the rows of a trace ask for: the SLO and the floor of the entry's class are theirs where they say one.
  void read_asks(const std::string& at, const std::vector<TaskId>& tasks, EntrySpec& e);
  void read_source(const Json& value, const std::string& at, bool one_task, const std::vector<std::string_view>& task_names, EntrySpec& e);
  void trace(const std::string& path, const std::string& at, EntrySpec& e);

  // scenario_classes.cpp
  /// A class as it was declared, or a part of one whose SLO is a law.
  struct Declared {
    Json value;
    std::size_t index;
    std::string part;
  };
  bool cluster_runs(TaskId task) const;
  /// The number of seconds that {"times_fastest", "hardware"} means for a task, or null and a problem.
  Json relative_slo(const Json& value, const std::string& at, TaskId task);
  /// The floor that {"of_best"} means for a task, or null and a problem.
  Json relative_floor(const Json& value, const std::string& at, TaskId task);
  /// A class with numbers in place of what is relative to the catalog. `is_only`: the class has no other task, so that the
  /// effective configuration can say the number.
  Json in_numbers(Json value, const std::string& at, TaskId task, bool is_only);
  QueryClass read_class(const Json& value, const std::string& at, TaskId task, double& share);
  void read_pin(const Json& value, const std::string& at, QueryClass& q);
  void declare(const Json& value, std::size_t index, const std::string& at, std::vector<Declared>& out);
  void read_classes(const Json& value, const std::string& at, const std::vector<TaskId>& tasks, EntrySpec& e);

  const PolicyRegistry& registry_;
  std::filesystem::path folder_;
  Problems problems_;
  JsonDocument document_;
  Scenario out_;
  Json sections_ = Json::object();
  std::vector<std::pair<std::string, Json>> resolved_;  // what was relative, and the number that it is
  std::string in_other_files_;                          // what is wrong in files other than the scenario's, with its places
  std::string missing_files_;                           // what cannot be read
  static constexpr std::string_view interval_key = "interval_s";
  std::vector<double> time_scales_;  // of traces, where they are not 1
  double control_scale_ = 1;
  double load_ = 1, speedup_ = 1;
  bool extrapolated_ = false, daily_ = false;
  std::optional<Duration> forget_;
  std::vector<double> carbon_;  // by site
  std::vector<ReadSurge> surges_;
  bool incomplete_ = false;  // a section is missing
};

}  // namespace tideline
