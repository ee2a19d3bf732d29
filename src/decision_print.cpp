#include "src/decision_print.h"

#include "sim/core/random.h"
#include "src/file_hash.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tideline {

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint16_t mark_bits = 0xfff;

std::uint16_t mark_of(std::uint64_t hash) { return static_cast<std::uint16_t>(hash & mark_bits); }

/// Two characters a mark.
std::string to_text(const std::vector<std::uint16_t>& marks) {
  std::string out;
  for (const std::uint16_t m : marks) {
    out += digits[m >> 6];
    out += digits[m & 63];
  }
  return out;
}

bool read_marks(const Json& json, std::vector<std::uint16_t>& out) {
  if (!json.is_string()) return false;
  const auto text = json.get<std::string>();
  if (text.size() % 2 != 0 || text.find_first_not_of(digits) != std::string::npos) return false;
  for (std::size_t k = 0; k < text.size(); k += 2)
    out.push_back(static_cast<std::uint16_t>(digits.find(text[k]) << 6 | digits.find(text[k + 1])));
  return true;
}

bool read_hex(const Json& json, std::uint64_t& out) {
  if (!json.is_string()) return false;
  const auto text = json.get<std::string>();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc{} && end == text.data() + text.size();
}

constexpr std::size_t at(DecisionSubject subject) { return static_cast<std::size_t>(subject); }

}  // namespace

Json to_json(const DecisionPrint& p) {
  return {
      {"count", p.count}, {"hash", hex(p.hash)}, {"stride", p.stride}, {"marks", to_text(p.marks)}, {"first_marks", to_text(p.first_marks)},
      {"first", p.first}};
}

std::optional<DecisionPrint> decision_print(const Json& json) {
  DecisionPrint p;
  const auto number = [&](const char* key, std::uint64_t& out) {
    if (!json.contains(key) || !json[key].is_number_unsigned()) return false;
    out = json[key].get<std::uint64_t>();
    return true;
  };
  if (!json.is_object() || !number("count", p.count) || !number("stride", p.stride) || p.stride == 0 || !json.contains("hash") ||
      !read_hex(json["hash"], p.hash) || !json.contains("marks") || !read_marks(json["marks"], p.marks) || !json.contains("first_marks") ||
      !read_marks(json["first_marks"], p.first_marks) || !json.contains("first") || !json["first"].is_array())
    return {};
  for (const Json& text : json["first"]) {
    if (!text.is_string()) return {};
    p.first.push_back(text.get<std::string>());
  }
  if (p.first.size() != p.first_marks.size() || p.marks.size() != p.count / p.stride) return {};
  return p;
}

void DecisionWatch::begin(const World& world) {
  const Topology& t = world.topology();
  names_.resize(at(DecisionSubject::device) + 1);
  const auto name = [&](DecisionSubject subject, std::string text) { names_[at(subject)].push_back(std::move(text)); };
  for (const Variant& v : world.catalog().variants) name(DecisionSubject::variant, v.name);
  for (const std::string& s : t.sites) name(DecisionSubject::site, s);
  for (const Group& g : world.groups()) name(DecisionSubject::group, world[g.variant].name + " at " + t.sites[g.site.index()]);
  for (const Pool& p : t.pools) name(DecisionSubject::pool, p.name);
  for (const Device& d : t.devices) {
    const Node& node = t[d.node];
    const auto number = static_cast<std::size_t>(&d - t.devices.data()) - node.first_device.index();
    name(DecisionSubject::device,
         t[d.pool].name + "/" + std::to_string(node.index_in_pool) + (node.devices > 1 ? "/" + std::to_string(number) : std::string()));
  }
  for (const auto& list : names_) {
    auto& out = hashes_.emplace_back();
    for (const auto& text : list) out.push_back(hash(text));
  }
}

void DecisionWatch::name_policies(std::span<const Controller> controllers) {
  for (const Controller& c : controllers) {
    const PolicySet& set = c.policies;
    const std::array<const Policy*, policy_kinds> objects{set.admission,   set.selection, set.dispatch,  set.sharing, set.batching,
                                                          set.autoscaling, set.placement, set.coldstart, set.eviction};
    for (std::size_t k = 0; k < policy_kinds; ++k) {
      policies_.push_back(set.names[k]);
      auto& reasons = reasons_.emplace_back();
      for (const auto text : objects[k]->reasons()) reasons.emplace_back(text);
    }
  }
}

std::uint64_t DecisionWatch::choice_hash(DecisionSubject subject, std::uint32_t index) const {
  if (index == Decision::none) return 0;
  if (subject == DecisionSubject::instance) {
    const InstanceId i{index};
    return cluster_->exists(i) ? 1 + (*cluster_)[i].serial : 0;
  }
  const auto& list = hashes_[at(subject)];
  return index < list.size() ? list[index] : 0;
}

void DecisionWatch::decided(ControllerId controller, const Decision& d, Time now) {
  static const auto answers = [] {
    std::vector<std::uint64_t> out;
    for (const DecisionForm& f : decision_forms()) out.push_back(hash(f.name));
    return out;
  }();
  const DecisionForm& form = form_of(d.answer);
  std::uint64_t h = hash(print_.hash, static_cast<std::uint64_t>(now.time_since_epoch().count()));
  h = hash(h, answers[static_cast<std::size_t>(d.answer)] + controller.index());
  if (form.of_query) h = hash(h, d.query);
  h = hash(h, choice_hash(form.chosen, d.chosen));
  print_.hash = hash(h, static_cast<std::uint64_t>(d.amount));
  Raw raw{print_.hash, print_.count++, d, controller.index(), now};
  // An instance that it names may be gone when the text is asked for.
  for (std::uint32_t* index : {&raw.decision.chosen, &raw.decision.runner_up})
    if (form.chosen == DecisionSubject::instance && *index != Decision::none)
      *index = cluster_->exists(InstanceId{*index}) ? (*cluster_)[InstanceId{*index}].serial : Decision::none;
  if (print_.first.size() < DecisionPrint::most_first) {
    print_.first.push_back(tideline::to_text(text_of(raw)));
    print_.first_marks.push_back(mark_of(raw.hash));
  }
  if (print_.count % print_.stride == 0) mark();
  if (keep_from_ <= raw.number && raw.number <= keep_to_) kept_.push_back({raw.hash, text_of(raw)});
  if (expected_ != nullptr && !parting_) hold_against(raw);
}

void DecisionWatch::mark() {
  print_.marks.push_back(mark_of(print_.hash));
  if (print_.marks.size() <= DecisionPrint::most_marks) return;
  std::vector<std::uint16_t> half;
  for (std::size_t k = 1; k < print_.marks.size(); k += 2) half.push_back(print_.marks[k]);
  print_.marks = std::move(half);
  print_.stride *= 2;
}

void DecisionWatch::hold_against(const Raw& raw) {
  since_.push_back(raw);
  const std::uint64_t count = raw.number + 1;
  const DecisionPrint& e = *expected_;
  bool known = false, same = true;
  const auto look = [&](bool there, std::uint64_t is, std::uint64_t was) {
    known = known || there;
    same = same && (!there || is == was);
  };
  const std::uint64_t k = count / e.stride - 1;
  if (raw.number < e.first_marks.size()) look(true, mark_of(raw.hash), e.first_marks[raw.number]);
  if (count % e.stride == 0 && k < e.marks.size()) look(true, mark_of(raw.hash), e.marks[k]);
  if (count == e.count) look(true, raw.hash, e.hash);
  if (count > e.count) look(true, 1, 0);
  if (!known) return;
  if (!same) return part();
  since_.clear();
  confirmed_ = count;
  confirmed_at_ = raw.at;
}

void DecisionWatch::part() {
  Parting p;
  p.from = confirmed_;
  p.to = since_.empty() ? confirmed_ : since_.back().number;
  p.from_ns = confirmed_ > 0 ? confirmed_at_.time_since_epoch().count() : 0;
  p.to_ns = since_.empty() ? p.from_ns : since_.back().at.time_since_epoch().count();
  for (const Raw& r : since_) p.now.push_back({r.hash, text_of(r)});
  if (p.from == p.to) {
    if (p.from < expected_->first.size()) p.was = expected_->first[p.from];
    if (p.from >= expected_->count) p.was = "nothing any more";
    if (!p.now.empty()) p.is = p.now.front().text;
  }
  since_.clear();
  parting_ = std::move(p);
}

std::optional<Parting> DecisionWatch::parting() const {
  if (parting_ || expected_ == nullptr || (print_.count == expected_->count && print_.hash == expected_->hash)) return parting_;
  // The run made fewer decisions, and all marks that it came to are the same.
  DecisionWatch ended = *this;
  ended.part();
  Parting p = *ended.parting_;
  p.to = print_.count;
  if (p.from == p.to && p.from < expected_->first.size()) p.was = expected_->first[p.from];
  if (p.from != p.to) p.was.clear(), p.is.reset();
  return p;
}

DecisionText DecisionWatch::text_of(const Raw& raw) const {
  const DecisionForm& form = form_of(raw.decision.answer);
  const std::size_t policy = raw.controller * policy_kinds + static_cast<std::size_t>(form.kind);
  const auto subject = [&](std::uint32_t index) -> std::string {
    if (index == Decision::none || form.chosen == DecisionSubject::nothing) return {};
    if (form.chosen == DecisionSubject::instance) return "#" + std::to_string(index);
    const auto& list = names_[at(form.chosen)];
    return index < list.size() ? list[index] : std::to_string(index);
  };
  DecisionText d;
  d.row = raw.number;
  d.time_ns = raw.at.time_since_epoch().count();
  if (form.of_query) d.query = std::to_string(raw.decision.query);
  d.kind = to_string(form.kind);
  d.answer = form.name;
  d.chosen = subject(raw.decision.chosen);
  d.runner_up = subject(raw.decision.runner_up);
  d.amount = amount_text(raw.decision.amount, form.amount, form.unit);
  if (policy >= policies_.size()) return d;
  d.policy = policies_[policy];
  if (raw.decision.reason < reasons_[policy].size()) d.reason = reasons_[policy][raw.decision.reason];
  return d;
}

void make_exact(Parting& p, const std::vector<HashedDecision>& was) {
  std::size_t k = 0;
  while (k < was.size() && k < p.now.size() && was[k].hash == p.now[k].hash) ++k;
  p.from += k;
  p.to = p.from;
  p.was = k < was.size() ? to_text(was[k].text) : "nothing any more";
  p.is = k < p.now.size() ? std::optional(p.now[k].text) : std::nullopt;
  if (k > 0) p.from_ns = p.now[k - 1].text.time_ns;
  p.to_ns = k < p.now.size() ? p.now[k].text.time_ns : p.from_ns;
}

}  // namespace tideline
