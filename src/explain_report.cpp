#include "src/explain_report.h"

#include "src/demand.h"
#include "src/figures.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace tideline {

namespace {

/// Rows of cells under a header; each column as wide as its widest cell, two spaces apart.
class Columns {
 public:
  /// A letter a column: l, or r for figures.
  Columns(std::string alignment, std::vector<std::string> header) : alignment_(std::move(alignment)), rows_{std::move(header)} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() == 1; }
  std::string text() const {
    std::vector<std::size_t> widths(alignment_.size());
    for (const auto& r : rows_)
      for (std::size_t k = 0; k < r.size(); ++k) widths[k] = std::max(widths[k], r[k].size());
    std::string out;
    for (const auto& r : rows_) {
      std::string line;
      for (std::size_t k = 0; k < r.size(); ++k) {
        const std::string space(widths[k] - r[k].size(), ' ');
        line += "  " + (alignment_[k] == 'r' ? space + r[k] : r[k] + space);
      }
      out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    return out;
  }

 private:
  std::string alignment_;
  std::vector<std::vector<std::string>> rows_;
};

std::string to_string(Verdict v) {
  switch (v) {
    case Verdict::fits:
      return "fits";
    case Verdict::tight:
      return "tight";
    case Verdict::impossible:
      return "impossible";
    case Verdict::unknown:
      break;
  }
  return "unknown";
}

std::string name_of(Constraint c) {
  static constexpr const char* names[] = {"hardware", "pin", "memory", "items", "accuracy_floor", "latency_slo", "cost_cap"};
  return names[static_cast<std::size_t>(c)];
}

/// What both forms of output say, with the names that they need.
class Report {
 public:
  Report(const Scenario& scenario, const World& world, std::span<const Demand> demands, const Explanation& all)
      : scenario_(scenario), world_(world), demands_(demands), all_(all) {
    find();
  }

  std::string text() const {
    std::string out = head() + classes() + capacity() + devices() + cold_starts() + links() + data();
    out += list("Look at", look_at_) + list("Impossible", impossible_);
    return out;
  }
  Json json() const;

 private:
  // --- names and cells ---

  std::string label(const Demand& d) const {
    return d.name == d.entry || d.name.starts_with(d.entry + "/") ? d.name : d.entry + "/" + d.name;
  }
  std::string label(const Together& t) const { return t.task ? "task " + world_.catalog()[t.task].name : "all together"; }
  const std::string& name(SiteId s) const { return world_.topology().sites[s.index()]; }
  const std::string& name(HardwareId h) const { return world_.catalog()[h].name; }
  const std::string& name(VariantId v) const { return world_[v].name; }
  std::string where(SiteId s, HardwareId h) const { return name(s) + " " + name(h); }
  std::string where(const Pick& p) const { return where(p.site, world_[p.variant].hardware); }
  std::string shown(const Pick& p) const { return name(p.variant) + " on " + name(world_[p.variant].hardware) + " at " + name(p.site); }
  const QueryClass& cls(const Demand& d) const { return world_[d.cls]; }
  static std::string time(Duration d) { return figure::time(to_seconds(d)); }
  using Text = std::string (*)(double);
  static std::string mean(const std::optional<Level>& l, Text text) { return l ? text(l->mean) : "unknown"; }
  static std::string peak(const std::optional<Level>& l, Text text) { return l ? text(l->peak) : "unknown"; }

  std::string wishes(const Demand& d) const {
    const QueryClass& c = cls(d);
    std::string out = c.has_slo() ? "SLO " + time(c.slo) : "no SLO";
    out += c.has_floor ? ", floor " + figure::accuracy(c.floor) : ", no floor";
    out += c.cost_cap_usd < std::numeric_limits<double>::infinity() ? ", cap " + figure::dollars(c.cost_cap_usd) : ", no cost cap";
    static constexpr const char* levels[] = {"", "base model", "model", "variant"};
    if (c.pin_level != PinLevel::none) out += std::string(", pinned to ") + levels[static_cast<std::size_t>(c.pin_level)] + " " + c.pin;
    return out;
  }

  // --- the text, part by part ---

  std::string head() const {
    const RunOptions& o = scenario_.options;
    const auto number = [](std::size_t n, const char* one, const char* more) { return std::to_string(n) + " " + (n == 1 ? one : more); };
    return scenario_.name + ": " + number(demands_.size(), "class", "classes") + ", " +
           number(world_.topology().devices.size(), "device", "devices") + " at " + number(world_.site_count(), "site", "sites") + ", " +
           number(world_.catalog().variants.size(), "variant", "variants") + "; measured from " + time(o.warmup) + " for " +
           time(o.duration) + "\n";
  }

  std::string classes() const {
    std::string out = "\nWho can be served by what: latency alone in a batch, network included; price attributed to a query\n";
    for (std::size_t k = 0; k < demands_.size(); ++k) {
      const Demand& d = demands_[k];
      out += label(d) + ": " + world_.catalog()[cls(d).task].name + " from " + name(d.origin) + "; " + wishes(d) + "; " +
             figure::bytes(d.payload_bytes) + " there, " + figure::bytes(d.answer_bytes) + " back" +
             (d.items > 1 ? ", " + std::to_string(d.items) + " items" : "") + "\n";
      Columns table("llrrrl", {"where", "feasible", "latency", "accuracy", "price", "variant"});
      for (const Offer& p : all_.prospects[k].offers) add_picks(table, p);
      out += table.text();
      if (!all_.prospects[k].feasible()) out += reasons(k);
    }
    return out;
  }

  void add_picks(Columns& table, const Offer& p) const {
    std::string at = where(p.site, p.hardware), count = std::to_string(p.feasible) + " of " + std::to_string(p.variants);
    if (p.feasible == 0) return table.row({at, count});
    std::vector<std::pair<std::string, Pick>> picks;
    for (const auto& [what, pick] : {std::pair{"fastest", p.fastest}, {"cheapest", p.cheapest}, {"most accurate", p.most_accurate}}) {
      const auto same = std::find_if(picks.begin(), picks.end(), [v = pick.variant](const auto& x) { return x.second.variant == v; });
      if (same != picks.end())
        same->first += std::string(", ") + what;
      else
        picks.emplace_back(what, pick);
    }
    for (const auto& [what, pick] : picks) {
      table.row({at, count, time(pick.latency), figure::accuracy(world_[pick.variant].accuracy), figure::dollars(pick.price_usd),
                 name(pick.variant) + " (" + what + ")"});
      at.clear();
      count.clear();
    }
  }

  std::string reasons(std::size_t k) const {
    std::string out = "  none is feasible:\n";
    for (const Hindrance& h : all_.prospects[k].hindrances)
      if (h.constraint != Constraint::hardware) out += "    " + obstacle(demands_[k], h, all_.prospects[k].options) + "\n";
    for (const Hindrance& h : all_.prospects[k].hindrances)
      if (h.relaxed) out += "    would do: " + remedy(demands_[k], h) + "\n";
    return out;
  }

  /// What the constraint leaves.
  std::string obstacle(const Demand& d, const Hindrance& h, std::uint32_t options) const {
    const std::string met = std::to_string(h.met) + " of " + std::to_string(options) + " meet";
    const std::string best = h.best ? " (" + shown(*h.best) + ")" : "";
    switch (h.constraint) {
      case Constraint::pin:
        return met + " the pin to " + cls(d).pin;
      case Constraint::memory:
        return std::to_string(h.met) + " of " + std::to_string(options) + " fit on a device; the smallest needs " +
               figure::bytes(h.best_value) + best;
      case Constraint::items:
        return std::to_string(h.met) + " of " + std::to_string(options) + " take a query of " + figure::count(h.wanted) +
               " items; the most is " + figure::count(h.best_value) + best;
      case Constraint::floor:
        return met + " the floor of " + figure::accuracy(h.wanted) + "; the best within reach is " + figure::accuracy(h.best_value) + best;
      case Constraint::slo:
        return met + " the SLO of " + figure::time(h.wanted) + "; the fastest takes " + figure::time(h.best_value) + best;
      case Constraint::cost_cap:
        return met + " the cost cap of " + figure::dollars(h.wanted) + "; the cheapest costs " + figure::dollars(h.best_value) + best;
      case Constraint::hardware:
        break;
    }
    return met;
  }

  /// What would make the class feasible if nothing else changed.
  std::string remedy(const Demand& d, const Hindrance& h) const {
    const std::string by = " (" + shown(*h.relaxed) + ")";
    switch (h.constraint) {
      case Constraint::hardware:
        return "hardware that the cluster lacks: " + name(world_[h.relaxed->variant].hardware) + " at " + name(d.origin) + " (" +
               name(h.relaxed->variant) + ")";
      case Constraint::pin:
        return "no pin" + by;
      case Constraint::memory:
        return "devices with " + figure::bytes(h.relaxed_value) + by;
      case Constraint::items:
        return "queries of " + figure::count(h.relaxed_value) + " items" + by;
      case Constraint::floor:
        return "a floor of " + figure::accuracy(h.relaxed_value) + by;
      case Constraint::slo:
        return "an SLO of " + figure::time(h.relaxed_value) + by;
      case Constraint::cost_cap:
        return "a cost cap of " + figure::dollars(h.relaxed_value) + by;
    }
    return "";
  }

  std::string capacity() const {
    Columns table("lrrrrrrrl", {"class", "mean", "peak", "alone", "batched", "batch", "mean use", "peak use", "verdict"});
    for (std::size_t k = 0; k < demands_.size(); ++k) {
      const Prospect& p = all_.prospects[k];
      std::uint32_t batch = 0;
      for (const Offer& offer : p.offers) batch = std::max(batch, offer.batch);
      table.row({label(demands_[k]), mean(p.offered_qps, figure::rate), peak(p.offered_qps, figure::rate), figure::rate(p.alone_qps),
                 figure::rate(p.batched_qps), std::to_string(batch), p.feasible() ? mean(p.utilisation, figure::percent) : "-",
                 p.feasible() ? peak(p.utilisation, figure::percent) : "-", to_string(p.verdict)});
    }
    for (const Together& t : all_.together)
      table.row(
          {label(t), "", "", "", "", "", mean(t.utilisation, figure::percent), peak(t.utilisation, figure::percent), to_string(t.verdict)});
    return "\nCapacity: queries offered; what all devices that can serve the class reach if they do only that, a query a batch or in the\n"
           "best batch that is in time (items of the largest); utilisation at least: every query in time, no load, no waiting, no\n"
           "interference, work split as well as can be\n" +
           table.text();
  }

  std::string devices() const {
    Columns table("lrrrrrrrrl",
                  {"where", "devices", "mean use", "peak use", "memory", "variants", "all take", "at once", "largest", "variant"});
    for (const DeviceFacts& f : all_.devices) {
      std::vector<std::string> cells{where(f.site, f.hardware),
                                     f.devices_at_start == f.devices
                                         ? std::to_string(f.devices)
                                         : std::to_string(f.devices_at_start) + " to " + std::to_string(f.devices),
                                     mean(f.only_here, figure::percent),
                                     peak(f.only_here, figure::percent),
                                     figure::bytes(static_cast<double>(f.device_bytes) * f.devices),
                                     std::to_string(f.variants)};
      if (f.largest)
        cells.insert(cells.end(),
                     {figure::bytes(static_cast<double>(f.bytes)), std::to_string(f.at_once),
                      figure::percent(static_cast<double>(f.largest_bytes) / static_cast<double>(f.device_bytes)), name(*f.largest)});
      table.row(std::move(cells));
    }
    return "\nDevices: utilisation at least by queries that nothing else can serve; memory of all devices; feasible variants, what an\n"
           "instance of each takes together, how many of them fit at a time, the largest as a share of a device\n" +
           table.text();
  }

  std::string cold_starts() const {
    Columns table("lrllrrrrrrl",
                  {"class", "SLO", "in time", "where", "move", "build", "runtime", "first run", "answer", "again", "variant"});
    for (std::size_t k = 0; k < demands_.size(); ++k) {
      const Prospect& p = all_.prospects[k];
      const QueryClass& c = cls(demands_[k]);
      std::string who = label(demands_[k]), slo = c.has_slo() ? time(c.slo) : "none", survives = survival(p);
      for (const ColdStart& s : p.cold_starts) {
        table.row({who, slo, survives, where(s.pick), time(s.bytes), time(s.build), time(s.runtime_init), time(s.first_run), time(s.answer),
                   time(s.answer_again), name(s.pick.variant)});
        who.clear();
        slo.clear();
        survives.clear();
      }
    }
    if (table.empty()) return "";
    return "\nCold starts: expected load of the fastest, the cheapest and the first to answer from nothing; when a query that triggers it\n"
           "is answered, the first time on a node and again; whether any feasible variant is then in time\n" +
           table.text();
  }

  static std::string survival(const Prospect& p) { return p.survives_first_load ? "yes" : p.survives_load ? "again" : "no"; }

  std::string links() const {
    if (all_.links.empty()) return "";
    Columns table("lrrrrrl", {"link", "bandwidth", "mean", "peak", "of it", "at least", "share of SLO"});
    for (const LinkFacts& f : all_.links)
      for (const bool back : {false, true}) {
        const Link& l = world_.topology().links[f.link];
        const auto& level = back ? f.backward : f.forward;
        const auto& forced = back ? f.forced_backward : f.forced_forward;
        const auto per_s = [](double x) { return figure::bytes(x) + "/s"; };
        const bool limited = l.bytes_per_s > 0;
        std::string share;
        if (f.slo_share && !back)
          share = figure::percent(f.slo_share->first) + " of " + time(cls(demands_[f.slo_share->second]).slo) + " (" +
                  label(demands_[f.slo_share->second]) + ")";
        table.row({back ? name(l.to) + " to " + name(l.from) : name(l.from) + " to " + name(l.to),
                   limited ? per_s(l.bytes_per_s) : "unlimited", mean(level, per_s), peak(level, per_s),
                   limited && level ? figure::percent(level->peak / l.bytes_per_s) : "",
                   limited && forced ? figure::percent(forced->peak / l.bytes_per_s) : "", share});
      }
    return "\nLinks: bytes offered if every query goes over it that can be served beyond; the peak as a share of the bandwidth, and that "
           "of\n"
           "queries which cannot be served without it; the largest share of an SLO that its routes take, both ways\n" +
           table.text();
  }

  std::string data() const {
    if (all_.feasible_variants == 0) return "";
    Columns table("lrrrr", {"figure", "measured", "computed", "derived", "assumed"});
    for (const auto& [what, shares] : origins()) {
      std::vector<std::string> cells{what};
      for (const double s : *shares) cells.push_back(figure::percent(s));
      table.row(std::move(cells));
    }
    return "\nData: where the figures of feasible variants come from, of " + std::to_string(all_.feasible_variants) + "\n" + table.text();
  }

  std::vector<std::pair<std::string, const OriginShares*>> origins() const {
    return {{"latency", &all_.latency}, {"accuracy", &all_.accuracy}, {"load", &all_.load}, {"memory", &all_.memory}};
  }

  static std::string list(const std::string& title, const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& l : lines) out += (out.empty() ? "\n" + title + "\n" : "") + "  " + l + "\n";
    return out;
  }

  // --- what stands out ---

  void find() {
    for (std::size_t k = 0; k < demands_.size(); ++k) about_class(k);
    for (const Together& t : all_.together) {
      const std::string who = t.task ? "the classes of task " + world_.catalog()[t.task].name + " together" : "all classes together";
      if (demands_.size() > 1 && t.utilisation) about_use(who, t.verdict, *t.utilisation);
    }
    for (const DeviceFacts& f : all_.devices)
      if (!f.too_large.empty())
        look_at_.push_back(std::to_string(f.too_large.size()) + " variants fit on no device of " + where(f.site, f.hardware) + ", first " +
                           name(f.too_large.front()));
    for (const LinkFacts& f : all_.links) about_link(f);
  }

  void about_class(std::size_t k) {
    const Demand& d = demands_[k];
    const Prospect& p = all_.prospects[k];
    const std::string who = "class " + label(d);
    if (!p.feasible()) return impossible_.push_back(who + " has no feasible variant: " + main_reason(k));
    if (p.utilisation) {
      about_use(who, p.verdict, *p.utilisation);
    } else {
      look_at_.push_back(who + ": its rate is not known: the trace has more than " + std::to_string(most_read) +
                         " rows up to the end of the window");
    }
    if (!p.within_cap_alone) look_at_.push_back(who + " meets its cost cap only in batches with others");
    if (!p.survives_load)
      look_at_.push_back(who + ": a query that has to wait for a load is late, whatever is loaded");
    else if (!p.survives_first_load)
      look_at_.push_back(who + ": a query that has to wait for the first load on a node is late");
  }

  void about_use(const std::string& who, Verdict verdict, const Level& use) {
    const bool mean_too = use.mean > 1;
    if (verdict == Verdict::impossible)
      impossible_.push_back(who + ": at " + (mean_too ? "the mean" : "the peak") + " rate the devices that can serve would be busy " +
                            figure::percent(mean_too ? use.mean : use.peak) + " of the time or more");
    else if (verdict == Verdict::tight)
      look_at_.push_back(who + ": tight; at the peak rate the devices that can serve are busy " + figure::percent(use.peak) +
                         " of the time or more");
  }

  /// The constraint that nothing meets by itself, else that it is their combination; and what would help.
  std::string main_reason(std::size_t k) const {
    const Prospect& p = all_.prospects[k];
    std::string reason, remedies;
    for (const Hindrance& h : p.hindrances) {
      if (h.constraint != Constraint::hardware && h.met == 0) reason += (reason.empty() ? "" : "; ") + obstacle(demands_[k], h, p.options);
      if (h.relaxed) remedies += (remedies.empty() ? "" : ", or ") + remedy(demands_[k], h);
    }
    if (p.options == 0) reason = "the cluster has no hardware that runs the task";
    if (reason.empty()) reason = "each constraint is met by some variant, all together by none";
    return reason + (remedies.empty() ? "; no single relaxation would do" : "; would do: " + remedies);
  }

  void about_link(const LinkFacts& f) {
    const Link& l = world_.topology().links[f.link];
    if (l.bytes_per_s <= 0) return;
    for (const bool forced : {true, false}) {
      const auto &a = forced ? f.forced_forward : f.forward, &b = forced ? f.forced_backward : f.backward;
      const double share = std::max(a ? a->peak : 0, b ? b->peak : 0) / l.bytes_per_s;
      if (share <= 1) continue;
      look_at_.push_back("link " + name(l.from) + " - " + name(l.to) + ": " +
                         (forced ? "queries that need it offer " : "queries that may go over it offer ") + figure::percent(share) +
                         " of its bandwidth at the peak; transfers share it, and the rest waits for ever longer");
      return;
    }
  }

  const Scenario& scenario_;
  const World& world_;
  std::span<const Demand> demands_;
  const Explanation& all_;
  std::vector<std::string> look_at_, impossible_;
};

Json json_of(const std::optional<Level>& l) { return l ? Json{{"mean", l->mean}, {"peak", l->peak}} : Json(nullptr); }

Json Report::json() const {
  const auto seconds = [](Duration d) { return d == forever ? Json(nullptr) : Json(to_seconds(d)); };
  const auto pick = [&](const Pick& p) {
    return Json{{"variant", name(p.variant)},
                {"site", name(p.site)},
                {"hardware", name(world_[p.variant].hardware)},
                {"latency_s", to_seconds(p.latency)},
                {"accuracy", world_[p.variant].accuracy},
                {"price_usd", p.price_usd}};
  };
  Json out{{"scenario", scenario_.name},
           {"window", {{"from_s", to_seconds(scenario_.options.warmup)}, {"duration_s", to_seconds(scenario_.options.duration)}}},
           {"feasible", all_.feasible()}};
  Json& list = out["classes"] = Json::array();
  for (std::size_t k = 0; k < demands_.size(); ++k) {
    const Demand& d = demands_[k];
    const QueryClass& c = cls(d);
    const Prospect& p = all_.prospects[k];
    Json by_hardware = Json::array(), hindrances = Json::array(), starts = Json::array();
    for (const Offer& x : p.offers) {
      Json one{{"site", name(x.site)},
               {"hardware", name(x.hardware)},
               {"devices", x.devices},
               {"variants", x.variants},
               {"feasible", x.feasible}};
      if (x.feasible > 0)
        one.update(Json{{"fastest", pick(x.fastest)},
                        {"cheapest", pick(x.cheapest)},
                        {"most_accurate", pick(x.most_accurate)},
                        {"alone_qps", x.alone_qps},
                        {"batched_qps", x.batched_qps},
                        {"batch", x.batch},
                        {"device_s_per_query", x.device_s}});
      by_hardware.push_back(std::move(one));
    }
    for (const Hindrance& h : p.hindrances) {
      Json one{{"constraint", name_of(h.constraint)}, {"met", h.met}};
      if (h.best) one.update(Json{{"wanted", h.wanted}, {"best", h.best_value}, {"best_by", pick(*h.best)}});
      one["relaxed"] = h.relaxed && h.best ? Json(h.relaxed_value) : Json(nullptr);
      one["relaxed_by"] = h.relaxed ? pick(*h.relaxed) : Json(nullptr);
      hindrances.push_back(std::move(one));
    }
    for (const ColdStart& s : p.cold_starts)
      starts.push_back(Json{{"variant", name(s.pick.variant)},
                            {"site", name(s.pick.site)},
                            {"move_s", to_seconds(s.bytes)},
                            {"build_s", to_seconds(s.build)},
                            {"runtime_init_s", to_seconds(s.runtime_init)},
                            {"first_run_s", to_seconds(s.first_run)},
                            {"load_s", to_seconds(s.load)},
                            {"answer_s", to_seconds(s.answer)},
                            {"answer_again_s", to_seconds(s.answer_again)}});
    list.push_back(Json{{"name", label(d)},
                        {"entry", d.entry},
                        {"task", world_.catalog()[c.task].name},
                        {"origin", name(d.origin)},
                        {"latency_slo_s", seconds(c.slo)},
                        {"accuracy_floor", c.has_floor ? Json(c.floor) : Json(nullptr)},
                        {"cost_cap_usd", to_json(param::Value(c.cost_cap_usd))},
                        {"pin", c.pin_level == PinLevel::none ? Json(nullptr) : Json(c.pin)},
                        {"options", p.options},
                        {"feasible", p.feasible()},
                        {"by_hardware", by_hardware},
                        {"hindrances", hindrances},
                        {"offered_qps", json_of(p.offered_qps)},
                        {"alone_qps", p.alone_qps},
                        {"batched_qps", p.batched_qps},
                        {"utilisation_at_least", json_of(p.utilisation)},
                        {"verdict", to_string(p.verdict)},
                        {"meets_cost_cap_alone", p.within_cap_alone},
                        {"cold_starts", starts},
                        {"survives_first_load", p.survives_first_load},
                        {"survives_load", p.survives_load}});
  }
  Json& together = out["together"] = Json::array();
  for (const Together& t : all_.together)
    together.push_back(Json{{"task", t.task ? Json(world_.catalog()[t.task].name) : Json(nullptr)},
                            {"utilisation_at_least", json_of(t.utilisation)},
                            {"all_rates_known", t.all_known},
                            {"verdict", to_string(t.verdict)}});
  Json& devices = out["devices"] = Json::array();
  for (const DeviceFacts& f : all_.devices) {
    Json too_large = Json::array();
    for (const VariantId v : f.too_large) too_large.push_back(name(v));
    devices.push_back(Json{{"site", name(f.site)},
                           {"hardware", name(f.hardware)},
                           {"devices", f.devices},
                           {"devices_at_start", f.devices_at_start},
                           {"utilisation_only_here", json_of(f.only_here)},
                           {"device_memory_bytes", f.device_bytes},
                           {"feasible_variants", f.variants},
                           {"memory_of_all_bytes", f.bytes},
                           {"at_once", f.at_once},
                           {"largest", f.largest ? Json(name(*f.largest)) : Json(nullptr)},
                           {"largest_bytes", f.largest_bytes},
                           {"too_large", too_large}});
  }
  Json& links = out["links"] = Json::array();
  for (const LinkFacts& f : all_.links) {
    const Link& l = world_.topology().links[f.link];
    links.push_back(Json{{"from", name(l.from)},
                         {"to", name(l.to)},
                         {"bandwidth_bytes_per_s", l.bytes_per_s},
                         {"forward_bytes_per_s", json_of(f.forward)},
                         {"backward_bytes_per_s", json_of(f.backward)},
                         {"forced_forward_bytes_per_s", json_of(f.forced_forward)},
                         {"forced_backward_bytes_per_s", json_of(f.forced_backward)},
                         {"slo_share", f.slo_share ? Json(f.slo_share->first) : Json(nullptr)},
                         {"slo_share_of", f.slo_share ? Json(label(demands_[f.slo_share->second])) : Json(nullptr)}});
  }
  Json& data = out["data"] = Json{{"feasible_variants", all_.feasible_variants}};
  for (const auto& [what, shares] : origins())
    data[what] = Json{{"measured", (*shares)[0]}, {"computed", (*shares)[1]}, {"derived", (*shares)[2]}, {"assumed", (*shares)[3]}};
  out["look_at"] = look_at_;
  out["impossible"] = impossible_;
  return out;
}

}  // namespace

std::string explain_text(const Scenario& scenario, const World& world, std::span<const Demand> demands, const Explanation& explanation) {
  return Report(scenario, world, demands, explanation).text();
}

Json explain_json(const Scenario& scenario, const World& world, std::span<const Demand> demands, const Explanation& explanation) {
  return Report(scenario, world, demands, explanation).json();
}

}  // namespace tideline
