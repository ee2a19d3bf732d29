#include "src/trace_files.h"

#include "sim/model/arrival.h"
#include "src/errors.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace tideline {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

/// chunk-2 before chunk-10.
bool before(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto number = [](const std::string& text, std::size_t& at) {
        while (at < text.size() && text[at] == '0') ++at;
        const std::size_t from = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return std::string_view(text).substr(from, at - from);
      };
      const std::string_view x = number(a, i), y = number(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i != b.size() - j ? a.size() - i < b.size() - j : a < b;
}

bool is_trace(fs::path path) {
  constexpr std::array<std::string_view, 4> endings{".csv", ".txt", ".json", ".jsonl"};
  if (path.extension() == ".gz") path.replace_extension();
  return std::find(endings.begin(), endings.end(), path.extension().string()) != endings.end();
}

std::unique_ptr<std::istream> open(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) throw WorldError("cannot read trace " + path.string() + ": it is a folder");
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) throw WorldError("cannot read trace " + path.string() + ": " + std::strerror(errno));
  return file;
}

/// A reader with the name of the trace in its errors.
class NamedReader final : public TraceReader {
 public:
  NamedReader(std::string name, std::unique_ptr<TraceReader> reader) : name_(std::move(name)), reader_(std::move(reader)) {}
  bool next(TraceRow& out) override {
    try {
      return reader_->next(out);
    } catch (const SourceError& e) {
      throw InputError(name_ + ": " + e.what());
    }
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override { return reader_->report(); }

 private:
  std::string name_;
  std::unique_ptr<TraceReader> reader_;
};

}  // namespace

std::vector<fs::path> files_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (is_trace(at->path()) && at->is_regular_file(error)) names.push_back(at->path().filename().string());
  if (error) throw WorldError("cannot read trace " + folder.string() + ": " + error.message());
  if (names.empty()) throw WorldError("cannot read trace " + folder.string() + ": the folder has no file .csv, .txt, .json, .jsonl");
  std::sort(names.begin(), names.end(), before);
  std::vector<fs::path> out;
  for (const std::string& name : names) out.push_back(folder / name);
  return out;
}

bool is_trace_folder(const fs::path& path) {
  std::error_code error;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    if (is_trace(at->path()) && at->is_regular_file(error)) return true;
  return false;
}

TraceFiles trace_files(const std::vector<fs::path>& paths) {
  std::vector<fs::path> found;
  for (const fs::path& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      found.push_back(path);
      continue;
    }
    for (fs::path& file : files_in(path)) found.push_back(std::move(file));
  }
  TraceFiles out;
  for (const fs::path& path : found) {
    // What is missing is said at once, and not when its turn comes.
    (void)open(path);
    out.push_back({path.filename().string(), [path] { return open(path); }});
  }
  return out;
}

void refuse_empty(const std::string& name, const TraceReport& report) {
  if (report.rows == 0) throw InputError(name + ": row 1: there is no row, or only a header");
}

std::unique_ptr<TraceReader> open_trace_files(const std::string& name, const std::vector<fs::path>& paths, const ReadParams& params) {
  try {
    return std::make_unique<NamedReader>(name, open_trace(trace_files(paths), params));
  } catch (const SourceError& e) {
    throw InputError(name + ": " + e.what());
  } catch (const std::invalid_argument& e) {
    throw InputError(name + ": " + e.what());
  }
}

}  // namespace tideline
