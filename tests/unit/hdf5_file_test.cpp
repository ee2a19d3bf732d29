#include "src/hdf5_file.h"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "src/errors.h"

namespace {

/// The write with which the process is to be killed, counted from 0, when half of it is done; negative: none.
long killing_write = -1;

}  // namespace

// In place of the C library's, so that a process can be killed amid any of its writes.
extern "C" ssize_t pwrite(int fd, const void* from, std::size_t size, off_t at) {
  const bool last = killing_write >= 0 && killing_write-- == 0;
  const ssize_t written = syscall(SYS_pwrite64, fd, from, last ? size / 2 : size, at);
  if (last) kill(getpid(), SIGKILL);
  return written;
}

namespace tideline {
namespace {

namespace fs = std::filesystem;

/// A folder of the test's own, removed with it.
class ResultsFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tideline-hdf5-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
};

hid_t open_file(const fs::path& path) { return H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT); }

template <class T>
hid_t memory_type() {
  if constexpr (std::is_same_v<T, double>) {
    return H5T_NATIVE_DOUBLE;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return H5T_NATIVE_INT64;
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return H5T_NATIVE_UINT64;
  } else if constexpr (std::is_same_v<T, std::uint32_t>) {
    return H5T_NATIVE_UINT32;
  } else if constexpr (std::is_same_v<T, std::uint16_t>) {
    return H5T_NATIVE_UINT16;
  } else {
    return H5T_NATIVE_UINT8;
  }
}

/// The values of a 1-D dataset; throws if it cannot be read.
template <class T>
std::vector<T> read(const fs::path& path, const char* name) {
  const auto lock = hdf5_lock();
  const hid_t file = open_file(path);
  const hid_t set = file < 0 ? -1 : H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) {
    if (file >= 0) {
      H5Fclose(file);
    }
    throw std::runtime_error("cannot open " + path.string() + ":" + name);
  }
  const hid_t space = H5Dget_space(set);
  std::vector<T> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  const herr_t result = H5Dread(set, memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Sclose(space);
  H5Dclose(set);
  H5Fclose(file);
  if (result < 0) {
    throw std::runtime_error("cannot read " + path.string() + ":" + name);
  }
  return values;
}

template <class T>
T read_attribute(const fs::path& path, const char* object, const char* name) {
  const auto lock = hdf5_lock();
  const hid_t file = open_file(path);
  const hid_t attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
  T value{};
  if constexpr (std::is_same_v<T, std::string>) {
    const hid_t type = H5Aget_type(attribute);
    char* text = nullptr;
    EXPECT_GE(H5Aread(attribute, type, &text), 0);
    EXPECT_EQ(H5Tget_cset(type), H5T_CSET_UTF8);
    if (text != nullptr) {
      value = text;
      H5free_memory(text);
    }
    H5Tclose(type);
  } else {
    EXPECT_GE(H5Aread(attribute, memory_type<T>(), &value), 0);
  }
  H5Aclose(attribute);
  H5Fclose(file);
  return value;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Runs `body` in a child process; its wait status.
template <class Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

struct TwoColumns {
  explicit TwoColumns(ResultsFile& file)
      : group(file, "/queries", {{"arrival", ColumnType::int64, "ns", "arrival"}, {"task", ColumnType::uint16, "1", "task"}}),
        arrival(group.column<std::int64_t>("arrival")),
        task(group.column<std::uint16_t>("task")) {}

  void append(std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      const std::uint64_t row = group.rows();
      arrival.push(value(row));
      task.push(static_cast<std::uint16_t>(row % 1000));
      group.end_row();
    }
  }
  /// Hardly compressible (the finalizer of splitmix64), so that a chunk changes its size as it fills.
  static std::int64_t value(std::uint64_t row) {
    row = (row ^ (row >> 30)) * 0xbf58476d1ce4e5b9u;
    row = (row ^ (row >> 27)) * 0x94d049bb133111ebu;
    return static_cast<std::int64_t>(row ^ (row >> 31));
  }

  ColumnGroup group;
  Column<std::int64_t>& arrival;
  Column<std::uint16_t>& task;
};

void expect_rows(const fs::path& path, std::size_t rows) {
  SCOPED_TRACE(path);
  const auto arrival = read<std::int64_t>(path, "/queries/arrival");
  const auto task = read<std::uint16_t>(path, "/queries/task");
  ASSERT_EQ(arrival.size(), rows);
  ASSERT_EQ(task.size(), rows);
  for (std::size_t i = 0; i < rows; ++i) {
    ASSERT_EQ(arrival[i], TwoColumns::value(i)) << i;
    ASSERT_EQ(task[i], i % 1000) << i;
  }
}

void write_all_sorts(const fs::path& path) {
  ResultsFile file(path);
  file.group("/run");
  file.attribute("/", "schema", "tideline 1 µ");
  file.attribute("/run", "seed", std::uint64_t{18446744073709551615u});
  file.attribute("/run", "scale", 0.25);
  file.attribute("/run", "schema version", 3);
  file.attribute("/run", "paired", true);
  file.text("/run/scenario", std::string(3'000'000, 'x'), "effective configuration");
  TwoColumns columns(file);
  columns.append(100'000);
  file.dataset("/series/load", std::vector<double>{0.5, -1.0, 1e300}, "1", "mean load");
  file.dataset("/series/i64", std::vector<std::int64_t>{-5, 7}, "ns", "");
  file.dataset("/series/u64", std::vector<std::uint64_t>(5000, 18446744073709551615u), "1", "");
  file.dataset("/series/u32", std::vector<std::uint32_t>(200'000, 4294967295u), "1", "");
  file.dataset("/series/u16", std::vector<std::uint16_t>{65535}, "1", "");
  file.dataset("/series/u8", std::vector<std::uint8_t>(10'000, 255), "1", "");
  file.dataset("/series/empty", std::vector<double>{}, "s", "");
  file.dataset("/names", std::vector<std::string>{"größe", "", "b"}, "", "names");
  file.dataset("/no names", std::vector<std::string>{}, "", "none");
  file.flush();
  columns.append(50'000);
  ColumnGroup few(file, "/series/few", {{"v", ColumnType::float64, "s", "few rows"}});
  for (int i = 0; i < 3; ++i) {
    few.column<double>("v").push(i);
    few.end_row();
  }
  file.commit();
}

TEST_F(ResultsFileTest, everything_written_reads_back) {
  const fs::path path = folder_ / "new" / "folder" / "x.h5";
  write_all_sorts(path);
  EXPECT_FALSE(fs::exists(path.string() + ".part"));
  EXPECT_EQ(read_attribute<std::string>(path, "/", "schema"), "tideline 1 µ");
  EXPECT_EQ(read_attribute<std::uint64_t>(path, "/run", "seed"), 18446744073709551615u);
  EXPECT_EQ(read_attribute<double>(path, "/run", "scale"), 0.25);
  EXPECT_EQ(read_attribute<std::int64_t>(path, "/run", "schema version"), 3);
  EXPECT_EQ(read_attribute<std::uint8_t>(path, "/run", "paired"), 1);
  EXPECT_EQ(read_attribute<std::string>(path, "/queries/arrival", "unit"), "ns");
  EXPECT_EQ(read_attribute<std::string>(path, "/series/load", "description"), "mean load");
  EXPECT_EQ(read<double>(path, "/series/load"), (std::vector<double>{0.5, -1.0, 1e300}));
  EXPECT_EQ(read<std::int64_t>(path, "/series/i64"), (std::vector<std::int64_t>{-5, 7}));
  EXPECT_EQ(read<std::uint64_t>(path, "/series/u64"), std::vector<std::uint64_t>(5000, 18446744073709551615u));
  EXPECT_EQ(read<std::uint32_t>(path, "/series/u32"), std::vector<std::uint32_t>(200'000, 4294967295u));
  EXPECT_EQ(read<std::uint16_t>(path, "/series/u16"), std::vector<std::uint16_t>{65535});
  EXPECT_EQ(read<std::uint8_t>(path, "/series/u8"), std::vector<std::uint8_t>(10'000, 255));
  EXPECT_TRUE(read<double>(path, "/series/empty").empty());
  EXPECT_EQ(read<double>(path, "/series/few/v"), (std::vector<double>{0, 1, 2}));
  expect_rows(path, 150'000);
}

TEST_F(ResultsFileTest, columns_of_any_length_read_back) {
  for (const std::size_t rows : {0u, 1u, 64u, 65u, 16383u, 16384u, 16385u, 65536u, 400'000u}) {
    const fs::path path = folder_ / (std::to_string(rows) + ".h5");
    ResultsFile file(path);
    {
      TwoColumns columns(file);
      columns.append(rows);
      EXPECT_EQ(columns.group.rows(), rows);
      if (rows % 2 == 0) {
        columns.group.finish();
        EXPECT_THROW(columns.arrival.push(1), std::logic_error);
      }
    }
    file.commit();
    expect_rows(path, rows);
  }
}

TEST_F(ResultsFileTest, all_column_types_stream) {
  const fs::path path = folder_ / "x.h5";
  ResultsFile file(path);
  ColumnGroup group(file, "/a/b",
                    {{"f", ColumnType::float64, "s", ""},
                     {"u64", ColumnType::uint64, "1", ""},
                     {"u32", ColumnType::uint32, "1", ""},
                     {"u8", ColumnType::uint8, "1", ""}});
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    group.column<double>("f").push(i / 2.0);
    group.column<std::uint64_t>("u64").push(std::uint64_t{i} << 40);
    group.column<std::uint32_t>("u32").push(i);
    group.column<std::uint8_t>("u8").push(static_cast<std::uint8_t>(i));
    group.end_row();
  }
  file.commit();
  EXPECT_EQ(read<double>(path, "/a/b/f").at(69'999), 34999.5);
  EXPECT_EQ(read<std::uint64_t>(path, "/a/b/u64").at(69'999), std::uint64_t{69'999} << 40);
  EXPECT_EQ(read<std::uint32_t>(path, "/a/b/u32").at(65'536), 65'536u);
  EXPECT_EQ(read<std::uint8_t>(path, "/a/b/u8").at(65'537), 1);
}

TEST_F(ResultsFileTest, misuse_of_columns_is_a_logic_error) {
  ResultsFile file(folder_ / "x.h5");
  TwoColumns columns(file);
  EXPECT_THROW(columns.group.column<double>("arrival"), std::logic_error);
  EXPECT_THROW(columns.group.column<double>("departure"), std::logic_error);
  columns.arrival.push(1);
  columns.group.end_row();
  EXPECT_THROW(columns.group.finish(), std::logic_error);
  EXPECT_THROW(file.text("/t", std::string_view("a\0b", 3), ""), std::logic_error);
  EXPECT_THROW(file.group("relative"), std::logic_error);
}

TEST_F(ResultsFileTest, equal_content_gives_equal_bytes) {
  write_all_sorts(folder_ / "a.h5");
  sleep(1);  // a time of an object would differ now
  std::vector<std::string> dirt(1000, std::string(4096, 'd'));
  dirt.clear();
  write_all_sorts(folder_ / "b.h5");
  const std::string a = bytes_of(folder_ / "a.h5");
  EXPECT_GT(a.size(), 3'000'000u);
  EXPECT_TRUE(a == bytes_of(folder_ / "b.h5"));
}

TEST_F(ResultsFileTest, h5py_reads_it) {
  if (std::system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0) {
    GTEST_SKIP() << "python3 has no h5py";
  }
  const fs::path path = folder_ / "x.h5";
  write_all_sorts(path);
  const fs::path script = folder_ / "read.py";
  std::ofstream(script) << R"(
import h5py, sys
f = h5py.File(sys.argv[1], "r")
assert f.attrs["schema"] == "tideline 1 \u00b5"
assert f["run"].attrs["seed"] == 2**64 - 1 and f["run"].attrs["paired"] == 1 and f["run"].attrs["schema version"] == 3
assert f["run/scenario"].asstr()[()] == "x" * 3000000
q = f["queries/arrival"]
assert q.shape == (150000,) and q.chunks == (16384,) and q.maxshape == (None,) and q.dtype == "<i8", q
assert q.scaleoffset is not None and q.compression is None and q.attrs["unit"] == "ns"
assert f["series/u32"].compression == "gzip" and f["series/u32"].compression_opts == 1 and f["series/u32"].shuffle
assert f["queries/task"][149999] == 999
assert f["series/empty"].shape == (0,) and f["series/few/v"][:].tolist() == [0, 1, 2]
assert list(f["names"].asstr()) == ["gr\u00f6\u00dfe", "", "b"] and f["no names"].shape == (0,)
print("read")
)";
  FILE* pipe = popen(("/usr/bin/python3 " + script.string() + " " + path.string() + " 2>&1").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 256> line;
  while (fgets(line.data(), line.size(), pipe) != nullptr) {
    output += line.data();
  }
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(output, "read\n");
}

TEST_F(ResultsFileTest, an_interrupted_run_is_named_incomplete) {
  const fs::path path = folder_ / "x.h5";
  ResultsFile file(path);
  TwoColumns(file).append(10);
  file.commit_incomplete();
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(fs::exists(folder_ / "x.h5.part"));
  expect_rows(folder_ / "x.incomplete.h5", 10);
}

TEST_F(ResultsFileTest, without_a_commit_nothing_is_left) {
  {
    ResultsFile file(folder_ / "x.h5");
    TwoColumns(file).append(300'000);
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(ResultsFileTest, a_commit_replaces_an_older_file_and_a_failure_keeps_it) {
  const fs::path path = folder_ / "x.h5";
  std::ofstream(path) << "old";
  { ResultsFile file(path); }
  EXPECT_EQ(bytes_of(path), "old");
  ResultsFile file(path);
  TwoColumns(file).append(5);
  file.commit();
  expect_rows(path, 5);
  EXPECT_THROW(file.group("/late"), std::logic_error);
}

TEST_F(ResultsFileTest, two_runs_cannot_write_one_file) {
  const fs::path path = folder_ / "x.h5";
  ResultsFile file(path);
  TwoColumns(file).append(5);
  EXPECT_THROW(ResultsFile{path}, WorldError);
  file.commit();
  expect_rows(path, 5);
}

TEST_F(ResultsFileTest, an_impossible_place_is_a_world_error) {
  std::ofstream(folder_ / "plain") << "x";
  EXPECT_THROW(ResultsFile(folder_ / "plain" / "x.h5"), WorldError);
  EXPECT_THROW(ResultsFile{folder_}, WorldError);
}

TEST_F(ResultsFileTest, a_killed_run_keeps_all_rows_up_to_the_last_flush) {
  struct Case {
    std::vector<std::size_t> before;  // a flush after each
    std::size_t after;
  };
  const std::vector<Case> cases{{{1000}, 0},
                                {{1000}, 200'000},
                                {{100, 60'000, 10'000}, 65'536},
                                {{200'000, 1}, 70'000},
                                {{700'000, 3000, 3000, 3000}, 2'000'000}};  // the index of chunks splits after the last flush
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const fs::path path = folder_ / (std::to_string(i) + ".h5");
    std::size_t flushed = 0;
    for (const std::size_t rows : cases[i].before) {
      flushed += rows;
    }
    const int status = in_child([&] {
      ResultsFile file(path);
      TwoColumns columns(file);
      for (const std::size_t rows : cases[i].before) {
        columns.append(rows);
        file.flush();
      }
      columns.append(cases[i].after);
      kill(getpid(), SIGKILL);
    });
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    EXPECT_FALSE(fs::exists(path));
    // Full blocks are flushed as they are written; of the last ones some may be under way.
    const std::size_t there = read<std::uint16_t>(path.string() + ".part", "/queries/task").size();
    EXPECT_GE(there, flushed);
    EXPECT_TRUE(there == flushed || there % block_rows == 0) << there;
    expect_rows(path.string() + ".part", there);
    ResultsFile again(path);  // what a killed run left is no obstacle
    TwoColumns(again).append(3);
    again.commit();
    expect_rows(path, 3);
  }
}

TEST_F(ResultsFileTest, a_killed_run_keeps_flushed_rows_at_the_very_end_of_the_file) {
  const fs::path path = folder_ / "x.h5";
  const int status = in_child([&] {
    ResultsFile file(path);
    ColumnGroup group(file, "/queries", {{"arrival", ColumnType::int64, "ns", "arrival"}});
    auto& arrival = group.column<std::int64_t>("arrival");
    const auto append = [&](int rows) {
      for (int i = 0; i < rows; ++i) {
        arrival.push(TwoColumns::value(group.rows()));
        group.end_row();
      }
    };
    append(40'000);
    file.flush();
    append(10'000);
    file.flush();  // moves the chunk to the end of the file
    append(1'000'000);
    kill(getpid(), SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto arrival = read<std::int64_t>(path.string() + ".part", "/queries/arrival");
  ASSERT_GE(arrival.size(), 50'000u);
  for (std::size_t i = 0; i < arrival.size(); ++i) {
    ASSERT_EQ(arrival[i], TwoColumns::value(i)) << i;
  }
}

TEST_F(ResultsFileTest, a_kill_amid_any_write_leaves_the_last_flush_or_this_one) {
  // Blocks of several sorts, flushed by hand and as they fill; rows that a flush promised are counted where the parent sees them.
  void* shared = mmap(nullptr, sizeof(std::size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto& promised = *static_cast<std::size_t*>(shared);
  const fs::path path = folder_ / "x.h5", part = folder_ / "x.h5.part";
  const auto run = [&] {
    ResultsFile file(path);
    file.group("/run");
    file.flush();
    TwoColumns columns(file);
    for (const std::size_t rows : {10u, 700u, 3000u, 62'000u, 70'000u}) {
      columns.append(rows);
      file.attribute("/run", "rows", columns.group.rows());
      file.flush();
      promised = columns.group.rows();
    }
    file.text("/more", "text", "");
    file.commit();
  };
  int recovered = 0;
  long write = 0;
  for (bool killed = true; killed; ++write) {
    SCOPED_TRACE(write);
    promised = 0;
    const int status = in_child([&] {
      killing_write = write;
      run();
      _exit(0);
    });
    killed = WIFSIGNALED(status);
    ASSERT_TRUE(killed || WEXITSTATUS(status) == 0);
    if (!killed) break;
    if (!fs::exists(part) || fs::file_size(part) == 0) {
      ASSERT_EQ(promised, 0U);
      continue;
    }
    const bool was_torn = recover_results(part);
    recovered += was_torn ? 1 : 0;
    EXPECT_FALSE(recover_results(part));
    std::size_t there = 0;
    try {
      there = read<std::uint16_t>(part, "/queries/task").size();
    } catch (const std::runtime_error&) {
      ASSERT_EQ(promised, 0U);  // before the first rows, or the first flush
      continue;
    }
    EXPECT_GE(there, promised);
    expect_rows(part, there);
    fs::remove(part);
  }
  EXPECT_GT(write, 40);
  EXPECT_GT(recovered, 3);
  expect_rows(path, 135'710);
  munmap(shared, sizeof(std::size_t));
}

TEST_F(ResultsFileTest, integers_take_as_many_bits_as_they_are_apart_and_zeros_none) {
  const fs::path path = folder_ / "x.h5";
  const auto time = [](std::size_t k) { return static_cast<std::int64_t>(1'000'000'000'000 + 1000 * k) - (k % 3 == 0 ? 5000 : 0); };
  const auto visits = [](std::size_t k) { return k < block_rows ? std::uint32_t{7} : static_cast<std::uint32_t>(k % 4); };
  const auto score = [](std::size_t k) { return k < 2 * block_rows ? 0.0F : 0.5F; };
  for (const std::size_t rows : {3 * block_rows, 3 * block_rows + 100, block_rows / 2, std::size_t{10}}) {
    {
      ResultsFile file(path);
      ColumnGroup group(file, "/t",
                        {{"time", ColumnType::int64, "ns", ""},
                         {"visits", ColumnType::uint32, "1", ""},
                         {"instance", ColumnType::int32, "1", ""},
                         {"score", ColumnType::float32, "1", "", "", "sort of"},
                         {"kind", ColumnType::uint8, "1", "", "kinds"}});
      for (std::size_t k = 0; k < rows; ++k) {
        group.column<std::int64_t>("time").push(time(k));
        group.column<std::uint32_t>("visits").push(visits(k));
        group.column<std::int32_t>("instance").push(static_cast<std::int32_t>(k % 100) - 1);
        group.column<float>("score").push(score(k));
        group.column<std::uint8_t>("kind").push(3);
        group.end_row();
        if (rows > 3 * block_rows && k == block_rows + 77) file.flush();  // amid a block
      }
      file.commit();
    }
    SCOPED_TRACE(rows);
    EXPECT_EQ(read_attribute<std::string>(path, "/t/score", "coding"), "sort of");
    EXPECT_EQ(read_attribute<std::string>(path, "/t/kind", "names"), "kinds");
    EXPECT_EQ(read_attribute<std::string>(path, "/t", "columns"), "time,visits,instance,score,kind");
    const auto times = read<std::int64_t>(path, "/t/time");
    const auto counts = read<std::uint32_t>(path, "/t/visits");
    const auto instances = read<std::int64_t>(path, "/t/instance");
    const auto scores = read<double>(path, "/t/score");
    const auto kinds = read<std::uint8_t>(path, "/t/kind");
    ASSERT_EQ(times.size(), rows);
    for (std::size_t k = 0; k < rows; ++k) {
      ASSERT_EQ(times[k], time(k)) << k;
      ASSERT_EQ(counts[k], visits(k)) << k;
      ASSERT_EQ(instances[k], static_cast<std::int64_t>(k % 100) - 1) << k;
      ASSERT_EQ(scores[k], static_cast<double>(score(k))) << k;
      ASSERT_EQ(kinds[k], 3) << k;
    }
    if (rows == 3 * block_rows) {
      EXPECT_LT(fs::file_size(path), block_rows * (3 * 25 + 2 * 2 + 3 * 7 + 32) / 8 + 20'000);
    }
  }
}

/// Writes under a limit of file size, as on a disk with that much space, and dies with 0 if that ended in a proper WorldError.
template <class Body>
void expect_disk_full(const fs::path& folder, rlim_t bytes, Body body) {
  SCOPED_TRACE(bytes);
  const fs::path path = folder / "full.h5";
  const fs::path printed = folder / "stderr";
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    if (freopen(printed.c_str(), "w", stderr) == nullptr) {
      _exit(98);
    }
    try {
      ResultsFile file(path);
      try {
        body(file);
        file.commit();
      } catch (const WorldError&) {
        EXPECT_THROW(file.flush(), WorldError);
        EXPECT_THROW(file.commit(), WorldError);
        throw;
      }
    } catch (const WorldError& error) {
      const std::string what = error.what();
      const bool good = what.find(path.string()) != std::string::npos && what.find("File too large") != std::string::npos;
      std::fflush(stderr);
      std::exit(good && !testing::Test::HasFailure() ? 0 : 97);  // runs what HDF5 registered to run at exit
    }
    _exit(96);
  });
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(bytes_of(printed), "");
  fs::remove(printed);
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(ResultsFileTest, a_full_disk_is_a_world_error_wherever_it_strikes) {
  const auto body = [](ResultsFile& file) {
    file.attribute("/", "schema", "1");
    TwoColumns columns(file);
    columns.append(150'000);
    file.flush();
    columns.append(250'000);
  };
  rlim_t enough = 0;
  {
    ResultsFile file(folder_ / "x.h5");
    body(file);
    file.commit();
    enough = fs::file_size(file.final_path());
    fs::remove(file.final_path());
  }
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{100}, rlim_t{3000}, rlim_t{100'000}, enough / 2, enough - 5000, enough - 1}) {
    expect_disk_full(folder_, bytes, body);
  }
  expect_disk_full(folder_, 1000, [](ResultsFile& file) { TwoColumns(file).append(10); });
  expect_disk_full(folder_, 5000, [](ResultsFile& file) { file.text("/t", std::string(1'000'000, 'x'), ""); });
  expect_disk_full(folder_, 20'000, [](ResultsFile& file) { file.dataset("/names", std::vector<std::string>(10'000, "n"), "", ""); });
}

TEST_F(ResultsFileTest, a_full_file_system_is_a_world_error) {
  const fs::path mount = folder_ / "small";
  fs::create_directory(mount);
  const std::string quoted = "'" + mount.string() + "'";
  if (geteuid() != 0 || std::system(("mount -t tmpfs -o size=1m tmpfs " + quoted + " 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << "a small tmpfs cannot be mounted here";
  }
  std::string what;
  try {
    ResultsFile file(mount / "x.h5");
    TwoColumns columns(file);
    columns.append(1'000'000);
    file.commit();
  } catch (const WorldError& error) {
    what = error.what();
  }
  EXPECT_NE(what.find("No space left on device"), std::string::npos) << what;
  EXPECT_TRUE(fs::is_empty(mount));
  EXPECT_EQ(std::system(("umount " + quoted).c_str()), 0);
}

}  // namespace
}  // namespace tideline
