// What a sweep leaves in its folder: manifest.json, and for each task tasks/NUMBER.json (its summary, or why it failed) beside its results
// file tasks/NUMBER.h5. A task is finished when its .json is there; both are written whole, so that any of them may be lost or cut off
// by a kill without harm to the others.
#pragma once

#include "src/json_document.h"
#include "src/sweep.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

/// tasks/000012 with `suffix`, in the folder.
std::filesystem::path task_file(const std::filesystem::path& folder, std::size_t task, const char* suffix);

/// Throws InputError where `out`, which is to be written, lies among the tasks of the folder.
void refuse_in_tasks(const std::filesystem::path& out, const std::filesystem::path& folder);

/// The manifest as JSON.
Json manifest_of(const Sweep& sweep);
/// What identifies a task: the beginning of its file.
Json manifest_of_task(const Sweep& sweep, const SweepTask& task);
/// A manifest that another run left; nothing where there is none. Throws InputError where it is not one, or of another version.
std::optional<Json> read_manifest(const std::filesystem::path& folder);

/// What became of the tasks of a folder.
enum class TaskState : std::uint8_t { missing, finished, failed, outdated };
struct TaskRecord {
  TaskState state = TaskState::missing;
  Json json;  ///< of its file; null where there is none
};
/// `key`: that its result must have to count.
TaskRecord read_task(const std::filesystem::path& folder, std::size_t task, const std::string& key);

/// Of the inputs, those that are not as the manifest says: `FILE changed`, `FILE is new`.
std::vector<std::string> changed_inputs(const Json& manifest, const Sweep& sweep);

}  // namespace tideline
