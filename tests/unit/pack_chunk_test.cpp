// Chunks are what HDF5's own filter makes of the same values.
#include "src/pack_chunk.h"

#include "src/hdf5_file.h"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <type_traits>

namespace tideline {
namespace {

template <class T>
hid_t type_of() {
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
  if constexpr (std::is_same_v<T, std::uint16_t>) return H5T_NATIVE_UINT16;
  if constexpr (std::is_same_v<T, std::uint32_t>) return H5T_NATIVE_UINT32;
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return H5T_NATIVE_UINT64;
  return H5T_NATIVE_INT64;
}

/// A dataset of one chunk in a file in memory.
template <class T>
class OneChunk {
 public:
  explicit OneChunk(hsize_t rows) : rows_(rows) {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_fapl_core(access, 1 << 20, false);
    static int files = 0;
    file_ = H5Fcreate(("in memory " + std::to_string(++files)).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pset_chunk(creation, 1, &rows);
    H5Pset_fill_value(creation, type_of<T>(), nullptr);
    H5Pset_scaleoffset(creation, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT);
    const hid_t space = H5Screate_simple(1, &rows, nullptr);
    set_ = H5Dcreate2(file_, "x", type_of<T>(), space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Sclose(space);
    H5Pclose(creation);
    H5Pclose(access);
  }
  ~OneChunk() {
    H5Dclose(set_);
    H5Fclose(file_);
  }
  OneChunk(const OneChunk&) = delete;
  OneChunk& operator=(const OneChunk&) = delete;

  void put(std::span<const std::byte> packed) {
    const hsize_t start = 0;
    ASSERT_GE(H5Dwrite_chunk(set_, H5P_DEFAULT, 0, &start, packed.size(), packed.data()), 0);
  }
  void write(const std::vector<T>& values) { ASSERT_GE(H5Dwrite(set_, type_of<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0); }
  std::vector<T> values() const {
    std::vector<T> out(rows_);
    EXPECT_GE(H5Dread(set_, type_of<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()), 0);
    return out;
  }
  hsize_t stored() {
    H5Dflush(set_);
    return H5Dget_storage_size(set_);
  }

 private:
  hsize_t rows_;
  hid_t file_ = -1, set_ = -1;
};

template <class T>
void check_type(const std::string& type) {
  using Limits = std::numeric_limits<T>;
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(1e-2);
  std::vector<std::pair<std::string, std::function<T(std::size_t)>>> patterns{
      {"zeros", [](std::size_t) { return T{0}; }},
      {"one value", [](std::size_t) { return T{101}; }},
      {"the least one", [](std::size_t) { return Limits::min(); }},
      {"noise", [&](std::size_t) { return static_cast<T>(random()); }},
      {"both ends", [](std::size_t k) { return k % 3 == 0 ? Limits::max() : Limits::min(); }},
      {"all but one number", [](std::size_t k) { return k % 3 == 0 ? Limits::max() : static_cast<T>(Limits::min() + 1); }},
      {"gaps", [&](std::size_t) { return static_cast<T>(static_cast<std::uint64_t>(gap(random))); }},
      {"-1 or a bit more", [](std::size_t k) { return static_cast<T>(static_cast<int>(k % 5) - 1); }},
      {"one odd one out", [](std::size_t k) { return k == 700 ? Limits::max() : T{5}; }}};
  for (unsigned bits = 1; bits < 8 * sizeof(T); ++bits)
    patterns.emplace_back(std::to_string(bits) + " bits",
                          [&random, bits](std::size_t) { return static_cast<T>(17 + (random() & ((std::uint64_t{1} << bits) - 1))); });
  ChunkPacker packer;  // one for all: nothing of one chunk may show in the next
  for (const std::size_t rows : {std::size_t{4096}, std::size_t{1}, std::size_t{1001}})
    for (const auto& [name, pattern] : patterns) {
      SCOPED_TRACE(name + ", " + std::to_string(rows) + " rows of " + type);
      std::vector<T> values;
      for (std::size_t k = 0; k < rows; ++k) values.push_back(pattern(k));
      const auto pack = [&](std::size_t chunk) {
        return packer.pack(reinterpret_cast<const std::byte*>(values.data()), rows, sizeof(T), std::is_signed_v<T>, chunk);
      };
      OneChunk<T> own(rows), filtered(rows), padded(rows + 500);
      own.put(pack(rows));
      EXPECT_EQ(own.values(), values);
      filtered.write(values);
      EXPECT_EQ(own.stored(), filtered.stored());
      padded.put(pack(rows + 500));
      const std::vector<T> read = padded.values();
      EXPECT_TRUE(std::equal(values.begin(), values.end(), read.begin()));
    }
}

TEST(ChunkPacker, gives_back_what_it_was_given) {
  const auto lock = hdf5_lock();
  check_type<std::uint8_t>("uint8");
  check_type<std::uint16_t>("uint16");
  check_type<std::uint32_t>("uint32");
  check_type<std::int32_t>("int32");
  check_type<std::uint64_t>("uint64");
  check_type<std::int64_t>("int64");
}

TEST(ChunkPacker, takes_no_room_for_equal_values_and_a_bit_for_one_of_two) {
  ChunkPacker packer;
  std::vector<std::int64_t> values(16384, -7);
  const auto size = [&] { return packer.pack(reinterpret_cast<const std::byte*>(values.data()), values.size(), 8, true, 16384).size(); };
  EXPECT_LT(size(), 30U);
  values[5] = -6;
  EXPECT_LT(size(), 16384 / 8 + 30U);
}

}  // namespace
}  // namespace tideline
