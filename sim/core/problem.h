// What is wrong with an input, collected so that all problems are reported at once.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tideline {

/// One problem of an input, at a JSON pointer (RFC 6901); the reader of the file adds file, line and column.
struct Problem {
  std::string pointer;
  std::string message;
  bool at_key = false;  ///< the name of the member is wrong, not its value
};

/// All problems found so far. Code that checks appends and goes on where it can.
class Problems {
 public:
  void add(std::string pointer, std::string message) { list_.push_back({std::move(pointer), std::move(message)}); }
  void add_key(std::string pointer, std::string message) { list_.push_back({std::move(pointer), std::move(message), true}); }
  bool empty() const { return list_.empty(); }
  const std::vector<Problem>& list() const { return list_; }

 private:
  std::vector<Problem> list_;
};

}  // namespace tideline
