// The census of built-in policies: files, names, defaults and parameters agree.
#include "policies/builtin.h"
#include "tests/support/small_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace tideline::test {
namespace {

namespace fs = std::filesystem;

const PolicyRegistry& builtin() {
  static const PolicyRegistry registry = [] {
    PolicyRegistry r;
    add_builtin_policies(r);
    return r;
  }();
  return registry;
}

/// The folder of its file: its kind, or joint.
std::string folder_of(const PolicyDefinition& d) { return d.kinds.size() > 1 ? "joint" : std::string(to_string(d.kinds.front())); }

TEST(Census, a_policy_has_the_name_of_its_file_in_the_folder_of_its_kind) {
  std::set<std::string> files, names;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(TIDELINE_SOURCE_DIR) / "policies")) {
    const fs::path path = fs::relative(entry.path(), fs::path(TIDELINE_SOURCE_DIR) / "policies");
    if (path.extension() != ".cpp" || !path.has_parent_path() || *path.begin() == "components") continue;
    files.insert((path.parent_path() / path.stem()).string());
  }
  for (const auto& d : builtin().list()) names.insert(folder_of(d) + "/" + d.name);
  EXPECT_EQ(names, files) << "a file that no policy is registered for, or a policy without its file";
}

TEST(Census, a_class_has_the_name_of_its_policy) {
  for (const auto& d : builtin().list()) {
    std::string camel;
    bool first = true;
    for (const char c : d.name) {
      if (c != '_') camel += first && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      first = c == '_';
    }
    std::ifstream in(fs::path(TIDELINE_SOURCE_DIR) / "policies" / folder_of(d) / (d.name + ".cpp"));
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_NE(text.find("class " + camel + " final"), std::string::npos) << d.name << ": there is no class " << camel;
  }
}

TEST(Census, each_kind_has_exactly_one_default) {
  for (std::size_t k = 0; k < policy_kinds; ++k) {
    const auto kind = static_cast<PolicyKind>(k);
    const auto& list = builtin().list();
    EXPECT_EQ(std::count_if(list.begin(), list.end(), [&](const auto& d) { return d.is_default && d.has(kind); }), 1) << to_string(kind);
  }
}

TEST(Census, a_default_needs_no_parameter) {
  for (const auto& d : builtin().list()) {
    if (!d.is_default) continue;
    Problems problems;
    (void)d.bind({}, "/params", problems);
    EXPECT_TRUE(problems.empty()) << d.name;
  }
}

TEST(Census, a_policy_is_made_with_its_defaults_or_says_what_is_missing) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId task = b.task("task");
  b.variant("variant", task, gpu, 0.8, 20ms);
  b.pool("pool", here, gpu, 2);
  b.add_class(task, 100ms, 0.5);
  const ClusterBench bench(b);
  for (const auto& d : builtin().list()) {
    SCOPED_TRACE(d.name);
    std::set<std::string> required, said;
    for (const auto& f : d.parameters())
      if (f.required) required.insert("/params/" + f.name);
    Problems problems;
    const BoundPolicy bound = d.bind({}, "/params", problems);
    for (const Problem& p : problems.list()) said.insert(p.pointer);
    EXPECT_EQ(said, required);
    if (!required.empty()) continue;
    const auto policy = bound.make(bench.setup());
    ASSERT_NE(policy, nullptr);
    (void)policy->needs();
    for (const auto name : policy->reasons()) EXPECT_FALSE(name.empty());
  }
}

TEST(Census, texts_are_sentences) {
  for (const auto& d : builtin().list()) {
    EXPECT_TRUE(d.help.ends_with('.')) << d.name << ": " << d.help;
    EXPECT_LE(d.help.size(), 140U) << d.name;
    for (const auto& f : d.parameters()) EXPECT_TRUE(f.help.ends_with('.')) << d.name << ' ' << f.name;
  }
}

// Authors or an organisation, a title in quotation marks, where and when (documentation has no year), a DOI or arXiv number if there is one.
TEST(Census, each_policy_says_where_it_comes_from) {
  const std::regex form(R"re([A-Z][^"]+, "[^"]{8,}"[^"]*((19|20)\d\d.*)?)re");
  const std::regex doi(R"re(doi:10\.\d{4,9}/[^\s]*[^\s.,;])re"), arxiv(R"re(arXiv:\d{4}\.\d{4,5})re"), year(R"re(\b(19|20)\d\d\b)re");
  for (const auto& d : builtin().list()) {
    SCOPED_TRACE(d.name + ": " + d.source.citation);
    EXPECT_NE(d.source.provenance, Provenance::unstated);
    const std::string& text = d.source.citation;
    // Several sources are set apart by semicolons.
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find("; ", at), text.size());
      const std::string one = text.substr(at, end - at);
      EXPECT_TRUE(std::regex_match(one, form)) << one;
      EXPECT_TRUE(std::regex_search(one, year) || one.find("documentation, \"") != std::string::npos) << one << ": of what year?";
      EXPECT_EQ(one.find("doi:") != std::string::npos, std::regex_search(one, doi)) << one;
      EXPECT_EQ(one.find("arXiv:") != std::string::npos, std::regex_search(one, arxiv)) << one;
      at = end + 2;
    }
  }
}

// Whoever reads a policy finds the test that holds its source's example: a test file names both.
TEST(Census, each_policy_has_a_test_file_that_names_its_source) {
  std::string heads;
  for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(TIDELINE_SOURCE_DIR) / "tests/policies")) {
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line) && line.starts_with("//");) heads += line + '\n';
  }
  const std::regex id(R"re(doi:10\.\d{4,9}/[^\s;]*[^\s.,;])re");
  for (const auto& d : builtin().list()) {
    const std::size_t at = heads.find("//   " + d.name + ": ");
    ASSERT_NE(at, std::string::npos) << d.name;
    std::smatch found;
    if (!std::regex_search(d.source.citation, found, id)) continue;
    EXPECT_NE(heads.substr(at, heads.find('\n', at) - at).find(found.str()), std::string::npos) << d.name << ' ' << found.str();
  }
}

TEST(Census, what_bind_calls_effective_binds_again) {
  for (const auto& d : builtin().list()) {
    const auto parameters = d.parameters();
    if (std::any_of(parameters.begin(), parameters.end(), [](const auto& f) { return f.required; })) continue;
    Problems problems;
    const BoundPolicy once = d.bind({}, "", problems), twice = d.bind(once.effective, "", problems);
    EXPECT_TRUE(problems.empty()) << d.name << ": " << problems.list().front().pointer << ' ' << problems.list().front().message;
    EXPECT_TRUE(once.effective == twice.effective) << d.name;
  }
}

}  // namespace
}  // namespace tideline::test
