// Chunks come out of zlib as HDF5's filter shuffle would have put them in.
#include "src/pack_chunk.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>

namespace tideline {
namespace {

/// The values, their planes put back together.
std::vector<std::byte> unpacked(std::span<const std::byte> packed, std::size_t rows, std::size_t width) {
  std::vector<Bytef> planes(rows * width);
  uLongf size = planes.size();
  EXPECT_EQ(uncompress(planes.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()), Z_OK);
  EXPECT_EQ(size, planes.size());
  std::vector<std::byte> values(planes.size());
  for (std::size_t b = 0; b < width; ++b)
    for (std::size_t k = 0; k < rows; ++k) values[k * width + b] = static_cast<std::byte>(planes[b * rows + k]);
  return values;
}

TEST(ChunkPacker, gives_back_what_it_was_given) {
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(1e-7);
  const std::vector<std::pair<std::string, std::function<std::uint64_t(std::size_t)>>> patterns{
      {"zeros", [](std::size_t) { return std::uint64_t{0}; }},
      {"one value", [](std::size_t) { return std::uint64_t{0x0102030405060708}; }},
      {"noise", [&](std::size_t) { return random(); }},
      {"gaps", [&](std::size_t) { return static_cast<std::uint64_t>(gap(random)); }},
      {"few values", [&](std::size_t) { return std::uint64_t{1000003} * (random() % 7); }},
      {"runs", [](std::size_t k) { return static_cast<std::uint64_t>(k / 1000); }},
      {"one odd one out", [](std::size_t k) { return k == 40'000 ? ~std::uint64_t{0} : std::uint64_t{5}; }}};
  ChunkPacker packer;  // one for all: nothing of one chunk may show in the next
  for (const std::size_t rows : {std::size_t{65536}, std::size_t{1}, std::size_t{1000}, std::size_t{65536}})
    for (const auto& [name, pattern] : patterns)
      for (const std::size_t width : {1U, 2U, 4U, 8U}) {
        SCOPED_TRACE(name + ", " + std::to_string(rows) + " rows of " + std::to_string(width));
        std::vector<std::byte> values(rows * width);
        for (std::size_t k = 0; k < rows; ++k) {
          const std::uint64_t value = pattern(k);
          std::memcpy(values.data() + k * width, &value, width);
        }
        EXPECT_EQ(unpacked(packer.pack(values.data(), rows, width), rows, width), values);
      }
}

TEST(ChunkPacker, takes_little_room_for_what_hardly_varies) {
  ChunkPacker packer;
  std::vector<std::uint64_t> values(65536, 7);
  const auto size = [&] { return packer.pack(reinterpret_cast<const std::byte*>(values.data()), values.size(), 8).size(); };
  EXPECT_LT(size(), 8000U);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = k % 2 == 0 ? 3 : 9;
  EXPECT_LT(size(), 8000U + 65536 / 8 + 1000);
}

}  // namespace
}  // namespace tideline
