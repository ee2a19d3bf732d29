#include "src/outcomes_reader.h"

#include "sim/core/text.h"
#include "src/errors.h"
#include "src/hdf5_file.h"
#include "src/hdf5_id.h"

#include <hdf5.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tideline {

namespace {

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file)
      : name_(file.string()), lock_(hdf5_lock()), file_(H5Fopen(name_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose) {
    if (file_ < 0) throw WorldError("cannot read " + name_ + ": it is no HDF5 file");
  }

  OutcomeTable read(const Catalog& catalog) {
    const std::vector<std::string> names = texts("variants");
    const bool right = exists("right");
    if (right == exists("score")) fail("expected one of the datasets \"right\" and \"score\"");
    OutcomeTable t;
    t.realised = matrix(right ? "right" : "score", names.size(), t.samples);
    if (exists("confidence")) {
      std::uint32_t samples = 0;
      t.confidence = matrix("confidence", names.size(), samples);
      if (samples != t.samples) fail("\"confidence\" has " + std::to_string(samples) + " rows, not " + std::to_string(t.samples));
    }
    if (right)
      for (const float x : t.realised)
        if (x != 0 && x != 1) fail("\"right\" has a value that is neither 0 nor 1");
    bool any = false;
    for (const Variant& v : catalog.variants) {
      const auto at = std::find(names.begin(), names.end(), v.name);
      t.column.push_back(at == names.end() ? OutcomeTable::none : static_cast<std::uint32_t>(at - names.begin()));
      any = any || at != names.end();
      if (at != names.end() && catalog[v.task].hit_rate != right)
        fail("variant " + in_quotes(v.name) + " is of a task whose answers " + (right ? "have scores" : "are right or wrong"));
    }
    if (!any) fail("none of its variants is in the catalog");
    for (const Task& task : catalog.tasks) {
      const auto in = [&](VariantId v) { return t.column[v.index()] != OutcomeTable::none; };
      const auto missing = std::find_if_not(task.variants.begin(), task.variants.end(), in);
      if (missing != task.variants.end() && std::any_of(task.variants.begin(), task.variants.end(), in))
        fail("has variants of task " + in_quotes(task.name) + " but not " + in_quotes(catalog[*missing].name));
    }
    return t;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw InputError(name_ + ": " + what); }
  bool exists(const char* dataset) const { return H5Lexists(file_, dataset, H5P_DEFAULT) > 0; }

  Hdf5Id open(const char* dataset) const {
    if (!exists(dataset)) fail("has no dataset \"" + std::string(dataset) + "\"");
    return Hdf5Id(H5Dopen2(file_, dataset, H5P_DEFAULT), H5Dclose);
  }

  std::vector<std::string> texts(const char* name) const {
    const Hdf5Id dataset = open(name), type(H5Dget_type(dataset), H5Tclose), space(H5Dget_space(dataset), H5Sclose);
    if (H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_ndims(space) != 1)
      fail("\"" + std::string(name) + "\" is no list of texts");
    const auto n = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space));
    std::vector<std::string> out;
    if (H5Tis_variable_str(type) > 0) {
      std::vector<char*> read(n);
      const Hdf5Id memory(H5Tcopy(type), H5Tclose);
      if (n > 0 && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, read.data()) < 0) fail("is damaged");
      for (const char* text : read) out.emplace_back(text != nullptr ? text : "");
      if (n > 0) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, read.data());
    } else {
      const std::size_t width = H5Tget_size(type);
      std::vector<char> read(n * width);
      if (n > 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read.data()) < 0) fail("is damaged");
      for (std::size_t k = 0; k < n; ++k) {
        const std::string text(read.data() + k * width, width);
        out.push_back(text.substr(0, text.find('\0')));
      }
    }
    return out;
  }

  std::vector<float> matrix(const char* name, std::size_t columns, std::uint32_t& samples) const {
    const std::string quoted = "\"" + std::string(name) + "\"";
    const Hdf5Id dataset = open(name), type(H5Dget_type(dataset), H5Tclose), space(H5Dget_space(dataset), H5Sclose);
    const H5T_class_t of = H5Tget_class(type);
    if ((of != H5T_INTEGER && of != H5T_FLOAT && of != H5T_ENUM) || H5Sget_simple_extent_ndims(space) != 2)
      fail(quoted + " is no table of numbers, samples x variants");
    hsize_t size[2] = {};
    H5Sget_simple_extent_dims(space, size, nullptr);
    if (size[1] != columns)
      fail(quoted + " has " + std::to_string(size[1]) + " columns, but \"variants\" has " + std::to_string(columns) + " names");
    if (size[0] == 0 || size[0] > 0xffffffffU) fail(quoted + " has no samples, or too many");
    samples = static_cast<std::uint32_t>(size[0]);
    std::vector<float> out(size[0] * columns);
    // Booleans are an enumeration of bytes where they come from h5py.
    if (of == H5T_ENUM) {
      std::vector<signed char> read(out.size());
      const Hdf5Id memory(H5Tget_super(type), H5Tclose);
      if (H5Tget_size(memory) != 1 || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read.data()) < 0) fail(quoted + " is damaged");
      std::copy(read.begin(), read.end(), out.begin());
    } else if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()) < 0) {
      fail(quoted + " is damaged");
    }
    for (const float x : out)
      if (!(x >= 0 && x <= 1)) fail(quoted + " has a value that is not 0 to 1");
    return out;
  }

  std::string name_;
  std::unique_lock<std::mutex> lock_;
  Hdf5Id file_;
};

}  // namespace

OutcomeTable read_outcomes(const std::filesystem::path& file, const Catalog& catalog) { return Reader(file).read(catalog); }

}  // namespace tideline
