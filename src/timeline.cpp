#include "src/timeline.h"

#include "src/errors.h"
#include "src/json_document.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

/// Processes of the drawing: groups of tracks.
enum Process : int { batches_process = 1, instances_process = 2, first_class_process = 3 };

std::string quoted(std::string_view text) { return Json(text).dump(); }

class Drawing {
 public:
  explicit Drawing(std::ostream& out) : out_(out) { out_ << "{\"displayTimeUnit\": \"ms\", \"traceEvents\": ["; }
  ~Drawing() { out_ << "\n]}\n"; }
  Drawing(const Drawing&) = delete;
  Drawing& operator=(const Drawing&) = delete;

  void process(int pid, const std::string& name) {
    begin("M", pid, 0) << ", \"name\": \"process_name\", \"args\": {\"name\": " << quoted(name) << "}}";
    begin("M", pid, 0) << ", \"name\": \"process_sort_index\", \"args\": {\"sort_index\": " << pid << "}}";
  }
  void track(int pid, std::size_t tid, const std::string& name) {
    begin("M", pid, tid) << ", \"name\": \"thread_name\", \"args\": {\"name\": " << quoted(name) << "}}";
    begin("M", pid, tid) << ", \"name\": \"thread_sort_index\", \"args\": {\"sort_index\": " << tid << "}}";
  }
  void complete(int pid, std::size_t tid, std::string_view name, std::int64_t from, std::int64_t to, const std::string& arguments = "") {
    begin("X", pid, tid) << ", \"name\": " << quoted(name) << ", \"ts\": " << us(from) << ", \"dur\": " << us(to - from);
    if (!arguments.empty()) out_ << ", \"args\": {" << arguments << '}';
    out_ << '}';
  }
  void edge(const char* phase, int pid, std::int64_t id, std::string_view name, std::int64_t at, const std::string& arguments = "") {
    begin(phase, pid, 0) << ", \"cat\": \"query\", \"id\": \"" << id << "\", \"name\": " << quoted(name) << ", \"ts\": " << us(at);
    if (!arguments.empty()) out_ << ", \"args\": {" << arguments << '}';
    out_ << '}';
  }

 private:
  std::ostream& begin(const char* phase, int pid, std::size_t tid) {
    out_ << (first_ ? "\n" : ",\n") << "{\"ph\": \"" << phase << "\", \"pid\": " << pid << ", \"tid\": " << tid;
    first_ = false;
    return out_;
  }
  /// Microseconds with all digits.
  static std::string us(std::int64_t ns) {
    std::string fraction = std::to_string(ns % 1000 + 1000);
    fraction[0] = '.';
    return std::to_string(ns / 1000) + fraction;
  }

  std::ostream& out_;
  bool first_ = true;
};

/// Gives what happens on each device to lanes on which nothing overlaps. Rows come in order of their ends, so a lane is free for a row that
/// begins when all that it has is over.
class Lanes {
 public:
  Lanes(Drawing& drawing, int pid, const std::vector<std::string>& devices) : drawing_(drawing), pid_(pid), devices_(devices) {
    of_device_.resize(devices.size());
  }

  /// The track for a row, named when it is first used.
  std::size_t track(std::size_t device, std::int64_t from, std::int64_t to) {
    auto& lanes = of_device_[device];
    // The one that was used last: so rows of one instance mostly stay together.
    std::size_t best = lanes.size();
    for (std::size_t k = 0; k < lanes.size(); ++k)
      if (lanes[k] <= from && (best == lanes.size() || lanes[k] > lanes[best])) best = k;
    if (best == lanes.size()) {
      lanes.push_back(to);
      drawing_.track(pid_, number(device, best), devices_[device] + (best == 0 ? std::string() : " lane " + std::to_string(best + 1)));
    }
    lanes[best] = to;
    return number(device, best);
  }

 private:
  /// Lanes of a device stand below each other.
  static std::size_t number(std::size_t device, std::size_t lane) { return device * 1000 + lane + 1; }

  Drawing& drawing_;
  int pid_;
  const std::vector<std::string>& devices_;
  std::vector<std::vector<std::int64_t>> of_device_;  // end of what each lane has
};

std::uint64_t draw_batches(const ResultsReader& reader, std::int64_t from, std::int64_t to, Drawing& drawing,
                           const std::atomic<bool>& stop) {
  RecordTable table(reader, "batches");
  const std::size_t device = table.integer_column("device"), variant = table.integer_column("variant"),
                    began = table.integer_column("began"), took = table.integer_column("took"), visits = table.integer_column("visits"),
                    items = table.integer_column("items"), wasted = table.integer_column("wasted_items"),
                    instance = table.integer_column("instance"), lost = table.integer_column("lost");
  drawing.process(batches_process, "Batches by device");
  Lanes lanes(drawing, batches_process, reader.names("devices"));
  std::uint64_t drawn = 0;
  for (std::uint64_t k = 0; k < table.rows() && !stop; ++k) {
    table.go_to(k);
    const std::int64_t begin = table.integer(began), end = begin + table.integer(took);
    if (end < from || begin > to) continue;
    const std::size_t track = lanes.track(table.index(device), begin, end);
    std::string arguments = "\"items\": " + std::to_string(table.integer(items)) +
                            ", \"visits\": " + std::to_string(table.integer(visits)) +
                            ", \"instance\": " + std::to_string(table.integer(instance));
    if (table.integer(wasted) > 0) arguments += ", \"wasted_items\": " + std::to_string(table.integer(wasted));
    if (table.integer(lost) != 0) arguments += ", \"lost\": true";
    drawing.complete(batches_process, track, table.name(variant), begin, end, arguments);
    ++drawn;
  }
  return drawn;
}

/// `last`: when what is still there ends in the drawing.
std::uint64_t draw_instances(const ResultsReader& reader, std::int64_t from, std::int64_t to, std::int64_t last, Drawing& drawing,
                             const std::atomic<bool>& stop) {
  RecordTable table(reader, "instances");
  const std::size_t serial = table.integer_column("serial"), device = table.integer_column("device"),
                    variant = table.integer_column("variant"), started = table.integer_column("started"),
                    warm = table.integer_column("warm"), draining = table.integer_column("draining"),
                    stopped = table.integer_column("stopped"), batches = table.integer_column("batches"),
                    start_cause = table.integer_column("start_cause"), stop_cause = table.integer_column("stop_cause");
  drawing.process(instances_process, "Instances by device");
  Lanes lanes(drawing, instances_process, reader.names("devices"));
  std::uint64_t drawn = 0;
  for (std::uint64_t k = 0; k < table.rows() && !stop; ++k) {
    table.go_to(k);
    const auto or_last = [&](std::int64_t time) { return time < 0 ? last : time; };
    const std::int64_t begin = table.integer(started), end = or_last(table.integer(stopped));
    if (end < from || begin > to) continue;
    const std::int64_t drains = table.integer(draining) < 0 ? end : table.integer(draining);
    const std::int64_t is_warm = table.integer(warm) < 0 ? end : table.integer(warm);
    const std::size_t track = lanes.track(table.index(device), begin, end);
    const std::string id = "\"instance\": " + std::to_string(table.integer(serial));
    std::string arguments =
        id + ", \"batches\": " + std::to_string(table.integer(batches)) + ", \"start_cause\": " + quoted(table.name(start_cause));
    if (!table.name(stop_cause).empty()) arguments += ", \"stop_cause\": " + quoted(table.name(stop_cause));
    drawing.complete(instances_process, track, table.name(variant), begin, end, arguments);
    const auto phase = [&](const char* name, std::int64_t a, std::int64_t b) {
      if (b > a) drawing.complete(instances_process, track, name, a, b, id);
    };
    phase("loading", begin, is_warm);
    phase("warm", is_warm, drains);
    phase("draining", drains, end);
    ++drawn;
  }
  return drawn;
}

std::uint64_t draw_queries(const ResultsReader& reader, std::int64_t from, std::int64_t to, Drawing& drawing,
                           const std::atomic<bool>& stop) {
  RecordTable table(reader, "queries");
  constexpr std::array<const char*, 4> names{"network", "load", "queue", "service"};
  std::array<std::size_t, names.size()> parts{};
  for (std::size_t p = 0; p < names.size(); ++p) parts[p] = table.integer_column(names[p]);
  const std::size_t serial = table.integer_column("serial"), arrival = table.integer_column("arrival"),
                    of_class = table.integer_column("class"), variant = table.integer_column("variant"),
                    instance = table.integer_column("instance"), ending = table.integer_column("ending");
  const auto& classes = reader.names("classes");
  for (std::size_t c = 0; c < classes.size(); ++c) drawing.process(first_class_process + static_cast<int>(c), "Queries of " + classes[c]);
  std::uint64_t drawn = 0;
  for (std::uint64_t k = 0; k < table.rows() && !stop; ++k) {
    table.go_to(k);
    const std::int64_t begin = table.integer(arrival);
    std::int64_t end = begin;
    for (const std::size_t p : parts) end += table.integer(p);
    if (end < from || begin > to) continue;
    const int pid = first_class_process + static_cast<int>(table.index(of_class));
    const std::int64_t id = table.integer(serial);
    const std::string name = "query " + std::to_string(id);
    std::string arguments = "\"ending\": " + quoted(table.name(ending));
    if (!table.name(variant).empty()) arguments += ", \"variant\": " + quoted(table.name(variant));
    if (table.integer(instance) >= 0) arguments += ", \"instance\": " + std::to_string(table.integer(instance));
    drawing.edge("b", pid, id, name, begin, arguments);
    std::int64_t at = begin;
    for (std::size_t p = 0; p < names.size(); ++p) {
      const std::int64_t took = table.integer(parts[p]);
      if (took == 0) continue;
      drawing.edge("b", pid, id, names[p], at);
      drawing.edge("e", pid, id, names[p], at += took);
    }
    drawing.edge("e", pid, id, name, end);
    ++drawn;
  }
  return drawn;
}

/// A table without columns: the run was killed before it had rows.
bool has_columns(const ResultsReader& reader, const std::string& group) { return reader.has(group) && !reader.columns(group).empty(); }

/// When the run ended, as far as records know: the latest time in them.
std::int64_t last_time(const ResultsReader& reader) {
  std::int64_t last = 0;
  if (reader.has("/series/time"))
    for (const std::int64_t t : reader.integers("/series/time")) last = std::max(last, t);
  const auto look = [&](const char* name, std::initializer_list<const char*> sums) {
    if (!has_columns(reader, "/" + std::string(name))) return;
    RecordTable table(reader, name);
    std::vector<std::size_t> columns;
    for (const char* c : sums) columns.push_back(table.integer_column(c));
    for (std::uint64_t k = 0; k < table.rows(); ++k) {
      table.go_to(k);
      std::int64_t end = 0;
      for (const std::size_t c : columns) end += table.integer(c);
      last = std::max(last, end);
    }
  };
  look("batches", {"began", "took"});
  for (const char* time : {"started", "warm", "draining", "stopped"}) look("instances", {time});
  look("queries", {"arrival", "network", "load", "queue", "service"});
  return last;
}

}  // namespace

void require_records(const ResultsReader& reader) {
  bool asked_for = false;
  for (const char* group : {"/batches", "/instances", "/queries"}) {
    if (has_columns(reader, group)) return;
    asked_for = asked_for || reader.has(group);
  }
  const std::string path = "'" + reader.path().string() + "' has nothing to draw";
  if (asked_for) throw InputError(path + " yet: its run was killed before the first records were written, or has just begun");
  throw InputError(path + ": run with --records instances, queries, or both as queries,instances");
}

Duration length_of(const ResultsReader& reader) { return Duration{last_time(reader)}; }

TimelineCounts write_timeline(const ResultsReader& reader, Time from, Time to, std::ostream& out, const std::atomic<bool>& stop) {
  require_records(reader);
  const std::int64_t a = from.time_since_epoch().count(), b = to.time_since_epoch().count();
  TimelineCounts counts;
  Drawing drawing(out);
  if (has_columns(reader, "/batches")) counts.batches = draw_batches(reader, a, b, drawing, stop);
  if (has_columns(reader, "/instances")) counts.instances = draw_instances(reader, a, b, last_time(reader), drawing, stop);
  if (has_columns(reader, "/queries")) counts.queries = draw_queries(reader, a, b, drawing, stop);
  counts.interrupted = stop;
  return counts;
}

}  // namespace tideline
