#include "src/results_reader.h"

#include "src/errors.h"
#include "src/records.h"
#include "src/results.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace tideline {

namespace {

/// The tables of records, and what `--records` has to name to get them.
const std::map<std::string, std::string, std::less<>>& tables_of_records() {
  static const std::map<std::string, std::string, std::less<>> tables{
      {"queries", "queries"}, {"instances", "instances"}, {"batches", "instances"}, {"decisions", "decisions"}};
  return tables;
}

std::string type_name(hid_t type) {
  const std::size_t bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int") + std::to_string(bits);
    case H5T_FLOAT:
      return "float" + std::to_string(bits);
    case H5T_STRING:
      return "text";
    default:
      return "other";
  }
}

Hdf5Id string_type() {
  Hdf5Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

std::string read_text_attribute(hid_t object, const char* name) {
  if (H5Aexists(object, name) <= 0) return {};
  const Hdf5Id attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose), type = string_type();
  char* text = nullptr;
  if (H5Aread(attribute, type, &text) < 0 || text == nullptr) return {};
  std::string value = text;
  H5free_memory(text);
  return value;
}

/// Why a file ends before what its superblock says is its end; empty: it does not.
std::string cut_short(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<unsigned char, 64> head{};
  in.read(reinterpret_cast<char*>(head.data()), head.size());
  const auto got = static_cast<std::size_t>(in.gcount());
  std::error_code error;
  const std::uintmax_t there = std::filesystem::file_size(path, error);
  if (error) return {};
  // Where the end stands depends on the version: HDF5 File Format Specification, II.A. Ours has addresses of 8 bytes.
  const unsigned version = head[8];
  const std::size_t at = version == 0 ? 40 : version == 1 ? 44 : 28;
  if (version > 3 || head[version < 2 ? 13 : 9] != 8) return {};
  if (got < at + 8) return "the file is cut short after " + std::to_string(there) + " bytes";
  std::uint64_t end = 0;
  for (std::size_t k = 8; k-- > 0;) end = end << 8 | head[at + k];
  if (there >= end) return {};
  return "the file is cut short, at " + std::to_string(there) + " of " + std::to_string(end) + " bytes";
}

/// Whether the run that writes it still has it open.
bool is_locked(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool locked = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return locked;
}

std::uint64_t rows_of(hid_t dataset) {
  const Hdf5Id space(H5Dget_space(dataset), H5Sclose);
  return static_cast<std::uint64_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space)));
}

}  // namespace

ResultsReader::ResultsReader(const std::filesystem::path& path) : path_(path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) fail("it is a folder");
  if (!std::ifstream(path)) fail(std::filesystem::exists(path, error) ? "no permission" : "there is no such file");
  const auto lock = hdf5_lock();
  if (H5Fis_hdf5(path.c_str()) <= 0) {
    if (path.extension() == ".part")
      throw InputError("'" + path.string() + "': its run was killed before it had written anything, or has just begun");
    throw InputError("'" + path.string() + "' is not an HDF5 file");
  }
  file_ = Hdf5Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (file_ < 0) {
    if (const std::string cut = cut_short(path); !cut.empty()) fail(cut);
    if (is_locked(path)) fail("a run is writing it");
    fail("a run was killed amid a flush: try tideline inspect --recover; where there is nothing to recover, it is damaged");
  }
  if (H5Lexists(file_, "/run", H5P_DEFAULT) <= 0 || H5Aexists_by_name(file_, "/run", "schema_version", H5P_DEFAULT) <= 0)
    throw InputError("'" + path.string() + "' is an HDF5 file, but not one of tideline");
  std::uint64_t version = 0;
  const Hdf5Id attribute(H5Aopen_by_name(file_, "/run", "schema_version", H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  H5Aread(attribute, H5T_NATIVE_UINT64, &version);
  if (version != results_schema_version)
    throw InputError("'" + path.string() + "' was written by " + (version > results_schema_version ? "a newer" : "an older") +
                     " tideline (schema " + std::to_string(version) + "; this one reads " + std::to_string(results_schema_version) + ")");
}

ResultsReader::~ResultsReader() {
  const auto lock = hdf5_lock();  // others may read or write meanwhile
  file_ = Hdf5Id();
}

void ResultsReader::fail(const std::string& what) const { throw WorldError("cannot read '" + path_.string() + "': " + what); }

bool ResultsReader::has(const std::string& path) const {
  const auto lock = hdf5_lock();
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    if (H5Lexists(file_, path.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) return true;
  }
}

Hdf5Id ResultsReader::open_object(const std::string& path) const {
  Hdf5Id object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), H5Oclose);
  if (object < 0) fail("there is no " + path + " in it");
  return object;
}

std::map<std::string, bool> ResultsReader::members(const std::string& group) const {
  const auto lock = hdf5_lock();
  const Hdf5Id object = open_object(group);
  H5G_info_t info{};
  H5Gget_info(object, &info);
  std::map<std::string, bool> out;
  for (hsize_t k = 0; k < info.nlinks; ++k) {
    std::array<char, 256> name{};
    H5Lget_name_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, k, name.data(), name.size(), H5P_DEFAULT);
    const Hdf5Id member(H5Oopen(object, name.data(), H5P_DEFAULT), H5Oclose);
    out[name.data()] = H5Iget_type(member) == H5I_DATASET;
  }
  return out;
}

std::vector<ColumnFacts> ResultsReader::columns(const std::string& group) const {
  std::vector<std::string> names;
  const auto there = members(group);
  for (const auto& [name, is_dataset] : there)
    if (is_dataset) names.push_back(name);
  const auto lock = hdf5_lock();
  const std::string order = "," + read_text_attribute(open_object(group), "columns") + ",";
  std::stable_sort(names.begin(), names.end(),
                   [&](const std::string& a, const std::string& b) { return order.find("," + a + ",") < order.find("," + b + ","); });
  std::vector<ColumnFacts> out;
  for (const std::string& name : names) {
    const Hdf5Id dataset = open_object(group + "/" + name);
    const Hdf5Id space(H5Dget_space(dataset), H5Sclose), type(H5Dget_type(dataset), H5Tclose);
    if (H5Sget_simple_extent_ndims(space) != 1) continue;
    ColumnFacts c;
    c.name = name;
    c.type = type_name(type);
    c.unit = read_text_attribute(dataset, "unit");
    c.description = read_text_attribute(dataset, "description");
    c.coding = read_text_attribute(dataset, "coding");
    c.names = read_text_attribute(dataset, "names");
    c.rows = rows_of(dataset);
    c.stored = H5Dget_storage_size(dataset);
    out.push_back(std::move(c));
  }
  return out;
}

std::string ResultsReader::text_attribute(const std::string& object, const std::string& name) const {
  const auto lock = hdf5_lock();
  return read_text_attribute(open_object(object), name.c_str());
}

std::int64_t ResultsReader::integer_attribute(const std::string& object, const std::string& name) const {
  const auto lock = hdf5_lock();
  const Hdf5Id owner = open_object(object);
  const Hdf5Id attribute(H5Aopen(owner, name.c_str(), H5P_DEFAULT), H5Aclose);
  std::int64_t value = 0;
  if (attribute < 0 || H5Aread(attribute, H5T_NATIVE_INT64, &value) < 0) fail("there is no attribute " + name + " of " + object + " in it");
  return value;
}

std::string ResultsReader::text(const std::string& path) const {
  const auto lock = hdf5_lock();
  const Hdf5Id dataset = open_object(path), type = string_type();
  char* read = nullptr;
  if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &read) < 0 || read == nullptr) fail(path + " is damaged");
  std::string value = read;
  H5free_memory(read);
  return value;
}

std::vector<std::string> ResultsReader::strings(const std::string& path) const {
  const auto lock = hdf5_lock();
  const Hdf5Id dataset = open_object(path), type = string_type();
  std::vector<char*> read(rows_of(dataset));
  if (!read.empty() && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read.data()) < 0) fail(path + " is damaged");
  std::vector<std::string> out;
  for (char* text : read) {
    out.emplace_back(text == nullptr ? "" : text);
    H5free_memory(text);
  }
  return out;
}

template <class T>
std::vector<T> ResultsReader::numbers(const std::string& path, hid_t type, std::uint64_t begin, std::uint64_t end) const {
  const auto lock = hdf5_lock();
  const Hdf5Id dataset = open_object(path), space(H5Dget_space(dataset), H5Sclose);
  end = std::min(end, rows_of(dataset));
  std::vector<T> out(begin < end ? end - begin : 0);
  if (out.empty()) return out;
  const hsize_t start = begin, count = out.size();
  const Hdf5Id memory(H5Screate_simple(1, &count, nullptr), H5Sclose);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr);
  if (H5Dread(dataset, type, memory, space, H5P_DEFAULT, out.data()) < 0) fail(path + " is damaged");
  return out;
}

std::vector<std::int64_t> ResultsReader::integers(const std::string& path, std::uint64_t begin, std::uint64_t end) const {
  bool is_signed = false;
  {
    const auto lock = hdf5_lock();
    const Hdf5Id dataset = open_object(path), type(H5Dget_type(dataset), H5Tclose);
    is_signed = H5Tget_sign(type) != H5T_SGN_NONE;
  }
  // HDF5 clips what a type cannot hold: so each is read as its own kind.
  if (is_signed) return numbers<std::int64_t>(path, H5T_NATIVE_INT64, begin, end);
  const auto bits = numbers<std::uint64_t>(path, H5T_NATIVE_UINT64, begin, end);
  return {bits.begin(), bits.end()};
}

std::vector<double> ResultsReader::doubles(const std::string& path, std::uint64_t begin, std::uint64_t end) const {
  return numbers<double>(path, H5T_NATIVE_DOUBLE, begin, end);
}

const std::vector<std::string>& ResultsReader::names(const std::string& table) const {
  const auto [found, fresh] = names_.try_emplace(table);
  if (fresh) found->second = make_names(table);
  return found->second;
}

std::vector<std::int64_t> ResultsReader::checked_rows(const std::string& path, std::size_t size) const {
  auto out = integers(path);
  for (std::size_t k = 0; k < out.size(); ++k)
    if (out[k] < 0 || static_cast<std::uint64_t>(out[k]) >= size)
      damaged(path + ", row " + std::to_string(k) + ": it names row " + std::to_string(out[k]) + " of a table of " + std::to_string(size));
  return out;
}

std::vector<std::string> ResultsReader::make_names(const std::string& table) const {
  const std::string path = "/run/names/" + table;
  std::vector<std::string> out;
  if (table == "devices") {
    const auto& pools = names("pools");
    const auto pool = checked_rows(path + "/pool", pools.size());
    const auto node = integers(path + "/node"), number = integers(path + "/number");
    if (node.size() != pool.size() || number.size() != pool.size()) damaged(path + " has columns of different lengths");
    std::vector<std::int64_t> most(pools.size());
    const auto at = [](const std::vector<std::int64_t>& values, std::size_t k) { return static_cast<std::size_t>(values[k]); };
    for (std::size_t k = 0; k < pool.size(); ++k) most[at(pool, k)] = std::max(most[at(pool, k)], number[k]);
    for (std::size_t k = 0; k < pool.size(); ++k)
      out.push_back(pools[at(pool, k)] + "/" + std::to_string(node[k]) +
                    (most[at(pool, k)] > 0 ? "/" + std::to_string(number[k]) : std::string()));
  } else if (table == "groups") {
    const auto variant = checked_rows(path + "/variant", names("variants").size()),
               site = checked_rows(path + "/site", names("sites").size());
    if (variant.size() != site.size()) damaged(path + " has columns of different lengths");
    for (std::size_t k = 0; k < variant.size(); ++k)
      out.push_back(names("variants")[static_cast<std::size_t>(variant[k])] + " at " + names("sites")[static_cast<std::size_t>(site[k])]);
  } else {
    out = strings(path + "/name");
  }
  return out;
}

std::string state_text(const ResultsReader& reader) {
  if (reader.integer_attribute("/run", "interrupted") == 0) return "complete";
  return reader.has("/summary") ? "interrupted: everything up to the interrupt" : "killed: records up to the last flush, nothing else";
}

// --- tables ---

RecordTable::RecordTable(const ResultsReader& reader, const std::string& name) : reader_(reader), path_("/" + name) {
  if (!reader.has(path_) || (columns_ = reader.columns(path_)).empty()) {
    const auto known = tables_of_records().find(name);
    std::string why = "there is no table " + name + " in it";
    if (known != tables_of_records().end()) {
      why = "it has no records of " + name;
      why += reader.has(path_) ? " yet: the run was killed before the first of them were flushed" : ": run with --records " + known->second;
    }
    throw InputError("'" + reader.path().string() + "': " + why);
  }
  rows_ = columns_.front().rows;
  for (const ColumnFacts& c : columns_) rows_ = std::min(rows_, c.rows);
  integers_.resize(columns_.size());
  reals_.resize(columns_.size());
}

std::size_t RecordTable::column(std::string_view name) const {
  const auto found = std::find_if(columns_.begin(), columns_.end(), [&](const ColumnFacts& c) { return c.name == name; });
  if (found == columns_.end())
    throw WorldError("cannot read '" + reader_.path().string() + "': there is no column " + path_ + "/" + std::string(name) + " in it");
  return static_cast<std::size_t>(found - columns_.begin());
}

std::size_t RecordTable::integer_column(std::string_view name) const {
  const std::size_t k = column(name);
  if (is_real(k) || columns_[k].type == "text") reader_.damaged(path_ + "/" + columns_[k].name + " holds no integers");
  return k;
}

std::size_t RecordTable::index(std::size_t column) const {
  const ColumnFacts& c = columns_[column];
  if (c.names.empty()) reader_.damaged(path_ + "/" + c.name + " does not say which table its values are rows of");
  const std::size_t size = reader_.names(c.names).size();
  const auto k = static_cast<std::uint64_t>(integer(column));
  if (k >= size)
    reader_.damaged(path_ + "/" + c.name + ", row " + std::to_string(begin_ + at_) + ": it names row " + std::to_string(integer(column)) +
                    " of /run/names/" + c.names + ", which has " + std::to_string(size));
  return static_cast<std::size_t>(k);
}

std::string_view RecordTable::name(std::size_t column) const {
  const std::int64_t value = integer(column);
  const std::string& type = columns_[column].type;
  // None is the greatest value of an unsigned type, and -1.
  if (value == -1 || (type == "uint8" && value == 0xff) || (type == "uint16" && value == 0xffff) ||
      (type == "uint32" && value == 0xffffffff))
    return {};
  const std::size_t k = index(column);
  return reader_.names(columns_[column].names)[k];
}

void RecordTable::read_block(std::uint64_t row) {
  begin_ = row / block_rows * block_rows;
  end_ = std::min<std::uint64_t>(begin_ + block_rows, rows_);
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    const std::string path = path_ + "/" + columns_[k].name;
    if (columns_[k].type == "text") continue;
    if (is_real(k))
      reals_[k] = reader_.doubles(path, begin_, end_);
    else
      integers_[k] = reader_.integers(path, begin_, end_);
  }
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    if (columns_[k].coding.empty()) continue;
    if (columns_[k].coding != above_variant)
      throw InputError("'" + reader_.path().string() + "': " + path_ + "/" + columns_[k].name +
                       " has an unknown coding: " + columns_[k].coding);
    const auto& variants = integers_[integer_column("variant")];
    if (accuracies_.empty()) accuracies_ = reader_.doubles("/run/names/variants/accuracy");
    for (std::size_t n = 0; n < reals_[k].size(); ++n)
      if (const auto v = static_cast<std::size_t>(variants[n]); v < accuracies_.size()) reals_[k][n] += accuracies_[v];
  }
}

// --- decisions ---

DecisionNames::DecisionNames(const ResultsReader& reader)
    : reader_(reader),
      chosen_(reader.strings("/run/names/answers/chosen")),
      kinds_(reader.strings("/run/names/answers/kind")),
      of_query_(reader.integers("/run/names/answers/of_query")) {
  const auto controllers = reader.integers("/run/names/reasons/controller"), numbers = reader.integers("/run/names/reasons/reason");
  const auto kinds = reader.strings("/run/names/reasons/kind"), names = reader.strings("/run/names/reasons/name");
  if (kinds_.size() != chosen_.size() || of_query_.size() != chosen_.size())
    reader.damaged("/run/names/answers has columns of different lengths");
  if (controllers.size() != names.size() || numbers.size() != names.size() || kinds.size() != names.size())
    reader.damaged("/run/names/reasons has columns of different lengths");
  for (std::size_t k = 0; k < names.size(); ++k)
    reasons_[std::to_string(controllers[k]) + " " + kinds[k] + " " + std::to_string(numbers[k])] = names[k];
}

std::size_t DecisionNames::checked(std::size_t answer) const {
  if (answer >= chosen_.size())
    reader_.damaged("/decisions/answer: it names row " + std::to_string(answer) + " of /run/names/answers, which has " +
                    std::to_string(chosen_.size()));
  return answer;
}

std::string DecisionNames::subject(std::size_t answer, std::int64_t index) const {
  if (index < 0 || chosen_[checked(answer)].empty()) return {};
  if (chosen_[answer] == "instance") return "#" + std::to_string(index);
  const auto& names = reader_.names(chosen_[answer] + "s");
  const auto k = static_cast<std::size_t>(index);
  return k < names.size() ? names[k] : std::to_string(index);
}

std::string DecisionNames::reason(std::int64_t controller, std::size_t answer, std::int64_t reason) const {
  const auto found = reasons_.find(std::to_string(controller) + " " + kinds_[checked(answer)] + " " + std::to_string(reason));
  return found == reasons_.end() ? std::string() : found->second;
}

}  // namespace tideline
